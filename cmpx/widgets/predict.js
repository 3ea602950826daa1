// A question: choose, say how sure you are, commit; only then comes the answer. Works with a kernel, which keeps it, or without.

const LETTERS = "ABCD";
const CONFIDENCES = ["guessing", "fairly sure", "certain"];

/** What `_veiled` in predict.py hid from a glance. */
function unveil(text, key) {
  const bytes = Uint8Array.from(atob(text), (one, place) => one.charCodeAt(0) ^ key.charCodeAt(place % key.length));
  return JSON.parse(new TextDecoder().decode(bytes));
}

/** Writes a sentence in which `code` stands in backticks, and what is *stressed*, or **more so**, between stars. */
function prose(node, text) {
  const tags = { "`": "code", "*": "em", "**": "strong" };
  const parts = text.split(/(`[^`]+`|\*\*[^*`]+\*\*|\*[^*`]+\*)/);
  const marked = (part, [mark] = /^(?:`|\*+)/.exec(part)) => h(tags[mark], {}, part.slice(mark.length, -mark.length));
  node.replaceChildren(...parts.map((part, place) => (place % 2 ? marked(part) : part)));
}

function render({ model, el }) {
  const own = frame({ model, el }, "predict", model.get("again") ? "Asked again" : "Predict");
  const { root, say, label } = own;
  own.lost = () => {}; // the answer is told all the same; nobody keeps it
  const choices = model.get("choices");
  const group = "predict-" + Math.random().toString(36).slice(2);
  let [chosen, sure] = model.get("answer");
  let committed = chosen !== undefined;
  let told; // the right choice and the replies, once committed

  /** An option with its radio button; text() writes its words. */
  const option = (kind, index, pick, ...marks) => {
    const input = h("input", { type: "radio", name: group + kind, value: index, onchange: () => (pick(index), draw()) });
    const words = h("span.words");
    return { input, words, node: h("label", {}, input, ...marks, words) };
  };
  const asked = h("p.asked");
  const answers = choices.map((_choice, index) => option("choice", index, (to) => (chosen = to), h("b.letter", {}, LETTERS[index])));
  const confidences = CONFIDENCES.map((_name, index) => option("sure", index, (to) => (sure = to)));
  const list = h("fieldset.answers", {}, label(h("legend"), "Your answer"), ...answers.map(({ node }) => node));
  const levels = h("fieldset.choice", {}, label(h("legend"), "How sure are you?"), ...confidences.map(({ node }) => node));
  const button = label(h("button.start", { type: "button", onclick: () => decide() }), "Commit", {
    title: "Your answer stands then, and you hear about it",
  });
  const hint = h("span.hint", { id: group });
  button.setAttribute("aria-describedby", group);
  const asking = h("div.controls", {}, levels, button, hint);
  const verdict = h("p.verdict");
  const reply = h("p.reply");
  const others = h("div.others");
  const anew = label(h("button", { type: "button", onclick: () => restart() }), "Answer again", {
    title: "Forget this answer on the page; it stays in your record",
  });
  const unfold = h("details", {}, label(h("summary"), "What of the others?"), others);
  const answer = h("div.answer", { role: "status", tabindex: -1 }, verdict, reply);
  const after = h("div.after", {}, unfold, anew);
  root.append(asked, list, asking, answer, after);

  const decide = () => {
    if (chosen === undefined || sure === undefined) return (chosen === undefined ? answers : confidences)[0].input.focus();
    committed = true;
    own.send("commit", { choice: chosen, confidence: sure });
    draw();
    answer.focus({ preventScroll: true }); // the button that was pressed is gone
  };
  const restart = () => {
    committed = false;
    chosen = sure = told = undefined;
    unfold.open = false;
    [...answers, ...confidences].forEach(({ input }) => (input.checked = false));
    draw();
    answers[0].input.focus({ preventScroll: true });
  };
  const draw = () => {
    prose(asked, own.in(model.get("question")));
    answers.forEach(({ input, words }, index) => {
      prose(words, own.in(choices[index]));
      input.checked = index === chosen;
      input.disabled = committed;
    });
    confidences.forEach(({ input, words }, index) => {
      write(words, say(CONFIDENCES[index]));
      input.checked = index === sure;
    });
    asking.hidden = committed;
    after.hidden = !committed;
    answer.hidden = !committed;
    button.classList.toggle("ready", chosen !== undefined && sure !== undefined); // before that it leads to what is missing
    if (chosen === undefined && sure === undefined) write(hint, say("Choose an answer, and say how sure you are."));
    else if (sure === undefined) write(hint, say("Now say how sure you are."));
    else write(hint, chosen === undefined ? say("Now choose an answer.") : "");
    if (committed) told ??= unveil(model.get("veiled"), model.get("chapter"));
    answers.forEach(({ node }, index) => {
      node.classList.toggle("right", committed && index === chosen && index === told.right);
      node.classList.toggle("wrong", committed && index === chosen && index !== told.right);
    });
    root.dataset.committed = committed;
    if (!committed) return;
    const values = { letter: LETTERS[chosen], confidence: say(CONFIDENCES[sure]) };
    const right = chosen === told.right;
    answer.dataset.right = right;
    write(verdict, right ? say("✓ Right: {letter}. You were {confidence}.", values) : say("✗ Not {letter}. You were {confidence}.", values));
    prose(reply, own.in(told.replies[chosen]));
    others.replaceChildren(
      ...told.replies.flatMap((words, index) => {
        if (index === chosen) return [];
        const heading = index === told.right ? say("{letter}, the right one", { letter: LETTERS[index] }) : LETTERS[index];
        const text = h("p");
        prose(text, own.in(words));
        return [h("div.other", {}, h("b", {}, heading), text)];
      }),
    );
  };
  own.follow(draw);
  own.send("seen");
}

/** The question in a page without a kernel. */
function mount(el, traits) {
  el.replaceChildren();
  render({ model: alone(traits), el });
}

export default { render };
