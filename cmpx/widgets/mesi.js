// Cache lines to move by hand. What an access does to the states comes from Python as a table; here it moves the values.

const OPERATIONS = ["load", "store", "cmpxchg"];
const WORDS = ["x", "y"];
const NAMES = {
  M: "modified: the only one, newer than memory",
  E: "exclusive: the only one, as in memory",
  S: "shared: others may have it too",
  I: "invalid: not here",
};
const JOURNEYS = 4; // of the line, in the second task
const INCREMENTS = 4; // of each core, in the third
const MANY = 8; // transfers, in the third

/** As play() in cmpx/mesi.py: turns are [core, operation, word] by number. */
function play(table, cores, apart, turns) {
  const lines = apart ? [[0], [1]] : [[0, 1]];
  const states = lines.map(() => "I".repeat(cores));
  const memory = [0, 0];
  const empty = () => Array.from({ length: cores }, () => [null, null]);
  const caches = empty();
  const seen = empty();
  const told = turns.map(([core, operation, word]) => {
    const expected = operation ? seen[core][word] : null;
    const at = apart ? word : 0;
    const before = states[at];
    const [after, request, source] = table[before + core + (operation ? "w" : "r")];
    states[at] = after;
    if (source !== null)
      for (const each of lines[at]) {
        if (source >= 0) memory[each] = caches[source][each];
        caches[core][each] = memory[each];
      }
    for (let other = 0; other < cores; other++) if (after[other] === "I") lines[at].forEach((each) => (caches[other][each] = null));
    const found = operation === 1 ? null : caches[core][word];
    const wrote = operation && (found === null || found === expected) ? expected + 1 : null;
    if (wrote !== null) caches[core][word] = wrote;
    seen[core][word] = caches[core][word];
    return { core, operation, word, before, after, request, source, expected, found, wrote, failed: operation === 2 && wrote === null };
  });
  const count = (test) => told.filter(test).length;
  return {
    told,
    states,
    lines,
    memory,
    caches,
    seen,
    transfers: count((turn) => turn.source !== null && turn.source >= 0),
    fetched: count((turn) => turn.source === -1),
    failures: count((turn) => turn.failed),
    invalidated: told.reduce((sum, { before, after }) => sum + [...before].filter((s, core) => s !== "I" && after[core] === "I").length, 0),
  };
}

function mount(el, { table, cores, apart, turns, texts, language, size }) {
  el.replaceChildren();
  const own = frame({ model: alone({ texts, language, size }), el }, "mesi", "Who has the line?");
  const { root, say, label } = own;
  const all = Array.from({ length: cores }, (_core, core) => core);
  let chosen = 0;
  let sawJourneys = false;
  let records = []; // transfers of the third task, each time that it came to its end
  const done = [false, false, false];
  const begin = () => say("Each press is one turn of one core. Press a button, or choose a core by its number, then L, S or C, with Shift for y.");
  let message = begin;
  const recall = () => {
    const last = run().told.at(-1);
    message = last ? tell(last, turns.length) : begin;
  };
  const run = () => play(table, cores, apart, turns);
  const action = ({ operation, word }) => `${OPERATIONS[operation]} ${WORDS[word]}`;

  // --- words
  const gap = () => own.in({ en: " ", zh: "" }); // between sentences
  const wire = ({ request, source }) =>
    source === null ? say(request || "nothing") : source < 0 ? say(`${request}, from memory`) : say(`${request}, from core {source}, written back`, { source });
  const result = (turn) =>
    turn.failed
      ? say("fails: {expected} expected, {found} found", turn)
      : say(["reads {found}", "writes {wrote}", "succeeds: {found} → {wrote}"][turn.operation], turn);
  const tell = (turn, number) => () =>
    say("Turn {number}, core {core}, {action}: {result}. Over the interconnect: {wire}.", {
      number,
      core: turn.core,
      action: action(turn),
      result: result(turn),
      wire: wire(turn),
    }) + (turn.failed ? gap() + say("It failed, and took the line all the same.") : "");

  // --- the tasks
  /** Transfers with x and y on one line, if no word has two users; else 0. */
  const journeys = () => {
    const users = WORDS.map((_word, word) => new Set(turns.filter((turn) => turn[2] === word).map(([core]) => core)));
    return users.every((who) => who.size <= 1) ? play(table, cores, false, turns).transfers : 0;
  };
  const counted = ({ told }) =>
    told.every(({ operation, word, core }) => operation !== 1 && word === 0 && core < 2) &&
    [0, 1].every((who) => told.filter(({ core, operation, failed }) => core === who && operation === 2 && !failed).length === INCREMENTS);
  const judge = () => {
    if (journeys() < JOURNEYS) sawJourneys = false;
    else if (!apart) sawJourneys = true;
    else if (sawJourneys) done[1] = true;
  };

  // --- what the reader does
  const press = (core, operation, word) => {
    chosen = core;
    if (operation && run().seen[core][word] === null) {
      message = () => say("Core {core} has not loaded {word} yet, so it knows no value to go by. Load it first.", { core, word: WORDS[word] });
      return draw();
    }
    turns = [...turns, [core, operation, word]];
    const now = run();
    const last = now.told.at(-1);
    const telling = tell(last, turns.length);
    message = telling;
    done[0] ||= last.failed;
    if (operation === 2 && !last.failed && counted(now)) {
      records.push(now.transfers);
      message = () => telling() + gap() + say("✓ Both cores have counted x to their 4: {transfers} transfers.", now);
      done[2] = Math.min(...records) === 1 && Math.max(...records) >= MANY;
    }
    judge();
    draw(true);
  };
  const undo = () => {
    turns = turns.slice(0, -1);
    recall();
    judge();
    draw();
  };
  const reset = () => {
    turns = [];
    message = begin;
    judge();
    draw();
  };
  const move = () => {
    apart = !apart;
    const sentence = apart
      ? "The same {count} turns with a line each: {transfers} transfers."
      : "The same {count} turns with x and y on one line: {transfers} transfers.";
    const now = { count: turns.length, transfers: run().transfers };
    message = () => (now.count ? say(sentence, now) : begin());
    judge();
    draw();
  };

  // --- what stands there
  const marks = done.map(() => h("b.mark"));
  const progress = done.map(() => h("span.score"));
  const tasks = h("ol.tasks", {}, ...[
    "Make a cmpxchg fail.",
    "Two cores, each with a word of its own: make the line go from core to core 4 times, then give y a line of its own.",
    "Cores 0 and 1 increment x 4 times each by load and cmpxchg: once with the fewest transfers, once with 8 or more.",
  ].map((text, index) => h("li", {}, marks[index], label(h("span.goal"), text), progress[index])));
  label(tasks, null, { "aria-label": "Tasks" });
  const switcher = h("input", { type: "checkbox", onchange: () => move() });
  const undoButton = label(h("button", { type: "button", onclick: () => turns.length && undo() }), "Undo", { title: "One step back: Z" });
  const resetButton = label(h("button", { type: "button", onclick: () => reset() }), "Start over", {
    title: "No cache has anything, x and y are 0: R",
  });
  const controls = h(
    "div.controls",
    {},
    label(h("label.check", {}, switcher, label(h("span"), "y on a line of its own")), null, {
      title: "The same turns again, with x and y on one line or on two: A",
    }),
    undoButton,
    resetButton,
  );
  const told = h("p.told");
  const telling = h("div.telling", { role: "status" }, told);

  const panels = all.map((core) => {
    const name = h("b");
    const boxes = WORDS.map(() => {
      const state = h("b.letter");
      const words = h("span.words");
      return { state, words, node: h("div.box", {}, state, words) };
    });
    const knows = h("p.knows");
    const buttons = WORDS.flatMap((word, which) =>
      OPERATIONS.map((operation, index) => {
        const node = h("button", { type: "button", onclick: () => press(core, index, which) }, h("code", {}, `${operation} ${word}`));
        own.follow(() => {
          node.title = say(
            [
              "Core {core} reads {word}: {key}",
              "Core {core} writes what it last saw of {word}, plus 1: {key}",
              "Core {core} writes what it last saw of {word}, plus 1, if {word} is still that: {key}",
            ][index],
            { core, word, key: `${core} ${which ? "Shift+" : ""}${"LSC"[index]}` },
          );
          node.setAttribute("aria-label", `${say("core {core}", { core })}: ${operation} ${word}`);
        });
        return node;
      }),
    );
    const node = h("div.panel.core", {}, h("h4", {}, name, knows), h("div.boxes", {}, ...boxes.map(({ node }) => node)), h("div.presses", {}, ...buttons));
    return { node, name, boxes, knows, buttons, wire: h("div.wire") };
  });
  const stage = h("div.stage", { style: `--cores: ${cores}` }, ...panels.map(({ node }) => node), ...panels.map(({ wire }) => wire));
  const asked = h("b");
  const bus = h("div.bus", {}, label(h("span"), "over the interconnect"), asked);
  const memory = h("div.panel.memory", {});
  const memoryWords = h("span.words");
  const memoryWire = h("div.wire");
  memory.append(label(h("b"), "memory"), memoryWords, memoryWire);
  const cards = ["turns", "transfers", "from memory", "copies invalidated", "failed cmpxchg"].map((text) => {
    const value = h("b");
    return { value, node: h("div.card", {}, label(h("span.what"), text), value) };
  });
  label(cards[1].node, null, { title: "a line went from one core to another" });
  label(cards[2].node, null, { title: "a line came from memory" });
  const body = h("tbody");
  const history = h(
    "div.history",
    { tabindex: 0, role: "group", style: `--cores: ${cores}` },
    h("table", {}, h("thead", {}, h("tr", {}, ...["", "", "access", "states", "over the interconnect", "result"].map((text) => label(h("th"), text)))), body),
  );
  label(history, null, { "aria-label": "What each core did, turn by turn" });
  root.append(tasks, controls, telling, stage, bus, memory, h("div.cards", {}, ...cards.map(({ node }) => node)), history);

  const fill = (node, line, values, touched) =>
    node.replaceChildren(
      ...line.map((word) => h("span.word" + (word === touched ? ".touched" : ""), {}, h("code", {}, WORDS[word]), h("b", {}, values[word] ?? "–"))),
    );
  /** A sign on the wire: an arrow and words, which glow once. */
  const sign = (node, kind, text, fresh) => {
    node.dataset.kind = kind;
    node.replaceChildren(...(kind ? [h("span", {}, { in: "▲ ", out: "▼ ", lost: "✕ " }[kind] + text)] : []));
    if (kind && fresh && !still.matches) node.firstChild.animate({ opacity: [0, 1] }, 350);
  };
  const draw = (fresh = false) => {
    const now = run();
    const last = now.told.at(-1);
    write(own.state, say(apart ? "x and y have a line each" : "x and y share a line"));
    switcher.checked = apart;
    undoButton.setAttribute("aria-disabled", !turns.length);
    write(told, message());
    telling.dataset.tone = last?.failed && fresh ? "bad" : "";
    panels.forEach((panel, core) => {
      write(panel.name, say("core {core}", { core }));
      panel.node.classList.toggle("chosen", core === chosen);
      panel.boxes.forEach(({ node, state, words }, at) => {
        const line = now.lines[at];
        node.hidden = !line;
        if (!line) return;
        const letter = now.states[at][core];
        node.dataset.state = letter;
        write(state, letter);
        node.title = say(NAMES[letter]);
        fill(words, line, now.caches[core], last?.core === core ? last.word : -1);
      });
      const known = WORDS.map((word, which) => `${word} ${now.seen[core][which] ?? "–"}`).join("  ");
      panel.knows.replaceChildren(say("last saw"), " ", h("code", {}, known));
      panel.buttons.forEach((button, index) => button.setAttribute("aria-disabled", index % 3 > 0 && now.seen[core][Math.floor(index / 3)] === null));
      const lost = last && last.before[core] !== "I" && last.after[core] === "I";
      if (last?.core === core && last.source !== null) sign(panel.wire, "in", say("gets it"), fresh);
      else if (last?.source === core) sign(panel.wire, "out", say("gives it") + (lost ? " · " + say("loses its copy") : ""), fresh);
      else sign(panel.wire, lost ? "lost" : "", say("loses its copy"), fresh);
    });
    write(asked, last ? wire(last) : "");
    fill(memoryWords, [0, 1], now.memory, -1);
    if (last?.source === -1) sign(memoryWire, "in", say("gives it"), fresh);
    else sign(memoryWire, last?.source >= 0 && last.source !== null ? "out" : "", say("is told the new values"), fresh);
    [turns.length, now.transfers, now.fetched, now.invalidated, now.failures].forEach((value, index) => write(cards[index].value, String(value)));
    body.replaceChildren(
      ...now.told.map((turn, index) =>
        h(
          "tr" + (turn.failed ? ".failed" : ""),
          {},
          h("td", {}, String(index + 1)),
          h("td", {}, say("core {core}", turn)),
          h("td", {}, h("code", {}, action(turn))),
          h("td", {}, h("code", {}, [turn.before, turn.after].map((states) => [...states].join(" ")).join(" → "))),
          h("td", {}, wire(turn)),
          h("td", {}, result(turn)),
        ),
      ),
    );
    history.scrollTop = history.scrollHeight;
    const count = Math.min(journeys(), JOURNEYS);
    write(progress[1], done[1] ? "" : sawJourneys ? say("now move y") : say("{transfers} of 4", { transfers: apart ? 0 : count }));
    write(progress[2], records.length ? say("fewest {fewest}, most {most}", { fewest: Math.min(...records), most: Math.max(...records) }) : "");
    done.forEach((yes, index) => {
      write(marks[index], yes ? "✓" : "○");
      marks[index].parentNode.dataset.done = yes;
    });
    root.dataset.turns = turns.length;
    root.dataset.done = done.map(Number).join("");
  };

  root.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const digit = Number(/^(?:Digit|Numpad)(\d)$/.exec(event.code)?.[1] ?? -1);
    const operation = ["KeyL", "KeyS", "KeyC"].indexOf(event.code);
    const does = { KeyZ: () => turns.length && undo(), KeyR: reset, KeyA: move }[event.code];
    if (all.includes(digit)) ((chosen = digit), draw());
    else if (operation >= 0) press(chosen, operation, Number(event.shiftKey));
    else if (does && !event.shiftKey) does();
    else return;
    event.preventDefault();
  });
  recall();
  judge();
  own.follow(() => draw());
}
