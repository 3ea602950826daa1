// One listing, one shared access at a time, on the state graph that the page carries. Needs no kernel.

const PALETTE = ["#e69f00", "#56b4e9", "#009e73", "#cc79a7", "#f0e442", "#0072b2", "#d55e00", "#999999"];
const KNOWN = { cpu: "#e69f00", iommu: "#f0e442" };
const PLAY_MS = 700;
const ROW_GAP = 2; // pixels that stay free above the first row in sight

const KINDS = {
  read: ["reads {name}", "reads {name}: {before}"],
  write: ["writes {name}", "writes {name}: {before} → {after}"],
  swap: ["cmpxchg of {name}: {expected} → {new}", "cmpxchg of {name} succeeds: {before} → {after}"],
  modify: ["changes {name} atomically", "changes {name} atomically: {before} → {after}"],
  fence: ["full fence", "full fence"],
  lock: ["takes the lock {name}", "takes the lock {name}"],
  free: ["frees {name}", "frees {name}"],
};

/** C, a little coloured: comments, words of the language, the blocks of a listing. */
function coloured(text) {
  const parts = text.split(/(\/\*.*?\*\/|\/\/.*|"(?:\\.|[^"\\])*"|->|\b[A-Za-z_]\w*\b)/);
  const words =
    /^(?:static|struct|union|unsigned|signed|int|long|char|void|bool|const|volatile|do|while|for|if|else|return|break|continue|goto|sizeof|[us](?:8|16|32|64)|atomic\w*_t|__always_inline|inline)$/;
  const blocks = /^(?:PROCESS|INIT|INVARIANT|FINALLY|EXPECT|READ_ONCE|WRITE_ONCE|(?:try_)?cmpxchg\w*|xchg|smp_\w+)$/;
  return parts.map((part) => {
    if (/^(?:\/\*|\/\/)/.test(part)) return h("i", {}, part);
    if (part[0] === '"') return h("q", {}, part);
    if (part === "->") return h("span.arrow", {}, part);
    return words.test(part) ? h("b", {}, part) : blocks.test(part) ? h("em", {}, part) : part;
  });
}

function mount(el, { graph, texts, language, size, schedule }) {
  el.replaceChildren();
  const own = frame({ model: alone({ texts, language, size }), el }, "stepper", "Step through");
  const { root, say, label } = own;
  const machine = explorer(graph);
  const { nodes, processes } = machine;
  const names = processes;
  const colour = names.map(
    (name, index) => KNOWN[name] ?? PALETTE.filter((one) => !names.some((n) => KNOWN[n] === one))[index % 6],
  );
  const lines = new Map(graph.files.flatMap(({ name, lines }) => lines.map(([number, text]) => [`${name}:${number}`, text])));
  own.title.append(" ", h("code", {}, graph.listing));
  const list = (items) => new Intl.ListFormat(root.lang, { type: "conjunction" }).format(items);

  // --- words
  const value = (number, bytes, kind) => {
    if (number < 10n) return String(number);
    const pointed = bytes === 8 ? graph.pointers[number.toString(16)] : undefined;
    if (pointed) return pointed;
    if (kind === "signed" && number >> BigInt(8 * bytes - 1)) return String(number - (1n << BigInt(8 * bytes)));
    return "0x" + number.toString(16);
  };
  const wordAt = (access) => graph.words.find((word) => word.at <= access.at && access.at + access.size <= word.at + word.size);
  const worded = (access, number) => value(number, access.size, wordAt(access)?.kind);
  const nextWords = (access) =>
    access.kind === "nothing"
      ? say("finished")
      : say(KINDS[access.kind][0], {
          name: access.name,
          expected: worded(access, access.expected),
          new: worded(access, access.operand),
        }) + (access.hidden ? " " + say("(half of a bit-field store)") : "");
  const stepWords = ({ access, drains, before, after, failed, blame, known }) => {
    const values = {
      name: access.name,
      before: worded(access, before),
      after: worded(access, after),
      expected: worded(access, access.expected),
    };
    if (drains) return say("its store to {name} reaches memory: {before} → {after}", values);
    if (!known) return nextWords(access);
    if (failed)
      return (
        say("cmpxchg of {name} fails: {expected} expected, {before} found", values) +
        (blame ? say("; {thread} changed it in step {number}", { thread: names[blame.thread], number: blame.number }) : "")
      );
    return say(KINDS[access.kind][1], values) + (access.hidden ? " " + say("(half of a bit-field store)") : "");
  };
  const partWords = (part, number) =>
    `${part.name.toUpperCase()} ${part.bits === 1 ? number : number.toString(16).padStart(Math.ceil(Math.min(part.bits, 8) / 4), "0")}`;

  // --- what has happened
  let run = []; // actions
  let undone = [];
  let story = follow(graph, machine, lines, run);
  let turns = []; // in a game: the length of the run before each move of the player's
  let mode = "free";
  let side = 0; // the process that defends itself in a game
  let asked = null; // the question that is open
  let score = [0, 0];
  let playing = null;
  const keys = names.map((_name, thread) => thread + 1);
  const invitation = () =>
    say("Press {keys}, or click a process: it makes its next access to shared memory.", { keys: keys.join(", ") });
  let message = invitation;

  const path = () => [0, ...story.steps.map((step) => step.to)];
  const noReturn = () => {
    const index = path().findIndex((node) => machine.doomed(node));
    return index < 0 ? null : index;
  };
  const ended = () => machine.ended(story.node);
  const verdict = () => {
    const finding = machine.finding(story.node);
    return finding >= 0 ? own.in(graph.findings[finding][1]) : "";
  };
  /** Why a process cannot take this action now; empty if it can. */
  const obstacle = (action) => {
    const thread = action % THREADS;
    if (nodes[story.node].finding >= 0) return say("the run has ended");
    const target = machine.target(story.node, action);
    if (target >= 0) return "";
    if (target === -1) return say("this step leads out of the part that is stored here");
    const { next, buffer } = machine.thread(story.last, thread);
    if (action >= THREADS) return say("its store buffer is empty");
    if (next.kind === "nothing") return say("it has finished");
    if (!nodes[story.node].edges.length && !ended()) return say("this step leads out of the part that is stored here");
    if (buffer.length && next.kind !== "read" && next.kind !== "write") return say("its store buffer must be empty first");
    if (next.kind === "lock") return say("it waits for the lock {name}", { name: next.name });
    return say(buffer.length ? "its store buffer is full" : "it cannot run");
  };
  const mine = (action) => mode === "free" || (mode === "defend" ? action === side : action !== side);

  // --- moves
  const go = (actions, { keep = false } = {}) => {
    if (!keep) undone = [];
    run = actions;
    story = follow(graph, machine, lines, run);
    asked = null;
  };
  const tellStep = () => {
    const step = story.steps.at(-1);
    message = () => joined(stepLine(step), ...closing());
  };
  const stepLine = (step) =>
    say("Step {number}, {thread}: {words}.", { number: step.number, thread: names[step.thread], words: stepWords(step) });
  const joined = (...sentences) => sentences.filter(Boolean).join(root.lang === "en" ? " " : "");
  /** What is to be said of the run as it stands: its end, or the point of no return just passed. */
  const closing = () => {
    const at = noReturn();
    if (verdict()) return [say("✗ {message}", { message: verdict() })];
    if (ended()) return [say("✓ The run has ended, and every claim held.")];
    if (at !== null && at === run.length && mode === "free")
      return [at ? say("Point of no return: from here every continuation fails.") : say("Every run of this listing fails.")];
    return [];
  };
  const take = (action) => {
    go([...run, action]);
    tellStep();
  };
  const refuse = (action, why) =>
    (message = () => say("{thread} cannot take a step: {why}.", { thread: names[action % THREADS], why }));

  const step = (action) => {
    pause();
    const why = obstacle(action);
    if (outcome()) message = outcome;
    else if (why) refuse(action, why);
    else if (!mine(action)) message = () => say("That is not your process. You are {who}.", { who: list(players()) });
    else if (predict.checked && mode === "free" && question(action)) return draw();
    else {
      if (mode !== "free") turns.push(run.length);
      take(action);
      if (mode !== "free") answer();
    }
    draw();
  };
  const undo = () => {
    pause();
    if (!run.length) message = () => say("This is the beginning.");
    else {
      const to = mode === "free" ? run.length - 1 : turns.pop();
      undone = [...run.slice(to).reverse(), ...undone].slice(0, 100000);
      undone = mode === "free" ? undone : [];
      go(run.slice(0, to), { keep: true });
      message = run.length ? message : () => say("Back at the beginning.");
      if (run.length) tellStep();
    }
    draw();
  };
  const redo = () => {
    pause();
    if (!undone.length || mode !== "free") message = () => say("There is nothing to redo.");
    else forward();
    draw();
  };
  const forward = () => {
    const [action, ...rest] = undone;
    undone = rest;
    go([...run, action], { keep: true });
    tellStep();
  };
  const reset = () => {
    pause();
    undone = mode === "free" ? [...run, ...undone] : [];
    turns = [];
    go([], { keep: true });
    message = mode === "free" ? () => say("Back at the beginning.") : opening;
    draw();
  };
  const pause = () => {
    clearInterval(playing);
    playing = null;
  };
  const play = () => {
    if (playing) return (pause(), draw());
    if (mode !== "free") return;
    if (!undone.length) {
      undone = [...run];
      go([], { keep: true });
    }
    if (!undone.length) message = () => say("There is nothing to play yet: take some steps, or paste a schedule.");
    else
      playing = setInterval(() => {
        if (!root.isConnected) return pause();
        forward();
        if (!undone.length) pause();
        draw();
      }, PLAY_MS);
    draw();
  };
  const failing = () => {
    pause();
    if (mode !== "free") return;
    const way = machine.way(0, (node) => machine.finding(node) >= 0);
    if (!way)
      message = () =>
        graph.whole
          ? say("There is no failing run: {verdict}.", { verdict: verdictWords() })
          : say("No failing run was found, but not all was seen.");
    else {
      go(way);
      const told = { count: way.length };
      message = () =>
        joined(say("The shortest failing run has {count} steps. Undo and Redo walk through it.", told), ...closing());
    }
    draw();
  };
  const visit = (node) => {
    pause();
    if (mode !== "free") return;
    const at = path().indexOf(node);
    if (at >= 0) {
      undone = [...run.slice(at), ...undone];
      go(run.slice(0, at), { keep: true });
    } else go([...(machine.way(0, (one) => one === node) ?? run)]);
    if (run.length) tellStep();
    else message = () => say("Back at the beginning.");
    draw();
  };
  const replay = (text) => {
    pause();
    let actions;
    try {
      actions = parseSchedule(text, processes);
    } catch (error) {
      message = () =>
        say("{word} is no step of this listing; its processes are {names}.", { word: error.message, names: list(names) });
      return draw();
    }
    if (mode !== "free") setMode("free", side);
    go([]);
    for (const action of actions) {
      const why = obstacle(action);
      if (why) {
        const number = run.length + 1;
        message = () =>
          say("Stopped before step {number}: {thread} cannot take it, {why}.", {
            number,
            thread: names[action % THREADS],
            why,
          });
        return draw();
      }
      go([...run, action]);
    }
    message = () => joined(say("Replayed {count} steps.", { count: run.length }), ...closing());
    draw();
  };
  // --- predictions
  const question = (action) => {
    const thread = action % THREADS;
    const access = machine.access(story.node, action);
    const to = machine.target(story.node, action);
    if (access.at < 0 || !nodes[to].state.length) return false;
    const before = machine.peek(story.node, access, action >= THREADS ? -1 : thread);
    const after = machine.peek(to, access, action >= THREADS ? -1 : thread);
    const values = {
      thread: names[thread],
      name: access.name,
      expected: worded(access, access.expected),
      new: worded(access, access.operand),
    };
    if (access.kind === "swap") {
      const right = before === access.expected ? 0 : 1;
      asked = {
        action,
        right,
        words: () => say("{thread} expects {expected} in {name}. Will its cmpxchg succeed?", values),
        options: [() => say("it succeeds"), () => say("it fails")],
      };
      return true;
    }
    const reads = access.kind === "read";
    const right = reads ? before : after;
    const seen = [right];
    const offer = (number) => seen.length < 3 && !seen.includes(number) && seen.push(number);
    for (const one of story.steps.toReversed())
      if (overlap(one.access, access) && one.access.size === access.size) (offer(one.before), offer(one.after));
    offer(before);
    offer(after);
    const bit = wordAt(access)?.parts[0]?.bit ?? 0;
    offer(right ^ (1n << BigInt(bit)));
    offer(right + 1n);
    seen.sort((a, b) => (a < b ? -1 : 1));
    asked = {
      action,
      right: seen.indexOf(right),
      words: () =>
        reads
          ? say("{thread} is about to read {name}. What will it find?", values)
          : say("What will stand in {name} after this step of {thread}?", values),
      options: seen.map((number) => () => worded(access, number)),
    };
    return true;
  };
  const guess = (choice) => {
    const { action, right, options } = asked;
    const answer = options[right];
    score = [score[0] + (choice === right), score[1] + 1];
    const good = choice === right;
    take(action);
    const told = message;
    message = () => joined(good ? say("✓ Right.") : say("✗ No: {answer}.", { answer: answer() }), told());
    draw();
    if (root.contains(document.activeElement) || document.activeElement === document.body) root.focus({ preventScroll: true });
  };

  // --- the game
  const plans = new Map();
  const plan = () => {
    if (!plans.has(side)) plans.set(side, machine.force(side));
    return plans.get(side);
  };
  const rivals = () => names.filter((_name, thread) => thread !== side);
  const players = () => (mode === "defend" ? [names[side]] : rivals());
  const opening = () =>
    mode === "defend"
      ? say("You are {you}, and {others} means harm. Step ({key}) or wait (W). Finish with every claim intact.", {
          you: names[side],
          others: list(rivals()),
          key: side + 1,
        })
      : say("You are {you}: make {other} fail. Step when you like; W lets {other} take one step.", {
          you: list(rivals()),
          other: names[side],
        });
  const setMode = (to, defender) => {
    pause();
    mode = to;
    side = defender;
    turns = [];
    undone = [];
    go([]);
    message = to === "free" ? invitation : opening;
    radios.forEach((radio) => (radio.checked = radio.value === `${mode} ${mode === "free" ? 0 : side}`));
  };
  const othersCan = () => nodes[story.node].edges.some(([action, target]) => action !== side && target >= 0);
  const defenderCan = () => machine.target(story.node, side) >= 0;
  /** The other side's move, or moves, after the player's. */
  const answer = (waited = false) => {
    const first = run.length;
    if (mode === "defend") {
      while (!ended() && othersCan()) {
        const forced = plan().get(story.node);
        const action = plan().has(story.node) ? forced : machine.annoy(story.node, side);
        if (action !== null && action !== undefined) go([...run, action]);
        else if (!defenderCan()) go([...run, nodes[story.node].edges.find(([by, target]) => by !== side && target >= 0)[0]]);
        else break;
      }
    } else {
      if (waited && defenderCan()) go([...run, side]);
      while (!ended() && !othersCan() && defenderCan()) go([...run, side]);
    }
    const moved = story.steps.slice(first);
    const others = mode === "defend" ? list(rivals()) : names[side];
    const before = message;
    message = () => {
      const parts = waited ? [] : [before()];
      if (moved.length > 0 && (waited || moved.length <= 2)) parts.push(...moved.map(stepLine));
      else if (moved.length) parts.push(say("{thread} takes {count} steps.", { thread: others, count: moved.length }));
      else if (waited && mode === "defend")
        parts.push(say(othersCan() ? "{thread} waits too: it has time." : "{thread} has no step left.", { thread: others }));
      return outcome() || joined(...parts);
    };
  };
  const wait = () => {
    pause();
    if (mode === "free") return;
    if (ended()) return;
    turns.push(run.length);
    answer(true);
    if (turns.at(-1) === run.length) turns.pop();
    draw();
  };
  const outcome = () => {
    if (mode === "free" || !ended()) return "";
    const bad = verdict();
    if (mode === "defend")
      return bad
        ? say("✗ {other} has beaten you: {message}", { other: list(rivals()), message: bad })
        : say("✓ You have finished, and every claim held.");
    return bad
      ? say("✓ You have beaten {other}: {message}", { other: names[side], message: bad })
      : say("✗ {other} has finished, and every claim held. Try again, or give up.", { other: names[side] });
  };
  const verdictWords = () => {
    if (graph.findings.length && !graph.whole) return say("it fails");
    if (!graph.whole) return say("nothing bad in what was seen, but not all was seen");
    if (graph.findings.length)
      return say("of {total} interleavings, {bad} fail", { total: graph.interleavings, bad: graph.bad });
    return graph.interleavings === "∞"
      ? say("it holds in every interleaving, however long")
      : say("it holds in every one of {total} interleavings", { total: graph.interleavings });
  };
  const giveUp = () => {
    pause();
    if (mode === "free") return failing();
    const winnable = mode === "defend" ? null : graph.findings.length > 0;
    setMode("free", side);
    const way = machine.way(0, (node) => machine.finding(node) >= 0);
    if (way) go(way);
    message = () =>
      joined(
        say("Check: {verdict}.", { verdict: verdictWords() }),
        way ? say("This is the shortest failing run.") : winnable === false ? say("Nobody could have won.") : "",
        ...(way ? closing() : []),
      );
    draw();
    root.focus({ preventScroll: true }); // the button that was pressed is gone
  };

  // --- controls
  const button = (text, help, key, run, kind = "button") =>
    label(h(kind, { type: "button", onclick: run, "aria-keyshortcuts": key }), text, { title: help });
  const undoButton = button("Undo", "One step back: Z", "Z", undo);
  const redoButton = button("Redo", "One step forward again: Y", "Y", redo);
  const resetButton = button("Start over", "Back to the beginning: 0", "0", reset);
  const playButton = h("button", { type: "button", onclick: play, "aria-keyshortcuts": "Space" });
  const failButton = button("Shortest failing run", "Show the shortest run that comes to a finding: F", "F", failing);
  const waitButton = button("Wait", "Let the other side move: W", "W", wait, "button.start");
  const giveButton = button("I give up", "End the game and check every interleaving: G", "G", giveUp);
  const predict = h("input", { type: "checkbox", onchange: () => ((asked = null), draw()) });
  const tally = h("output");
  const predictor = label(h("label.check", {}, predict, label(h("span"), "Predict the next value"), tally), null, {
    title: "Before each step, say what it will read or write: P",
  });
  const group = "mode-" + Math.random().toString(36).slice(2);
  const modes = h("fieldset.choice", {}, label(h("legend"), "You are"));
  const addMode = (to, thread, words) => {
    const radio = h("input", {
      type: "radio",
      name: group,
      value: `${to} ${thread}`,
      onchange: () => (setMode(to, thread), draw()),
    });
    const text = h("span");
    const node = h("label", {}, radio, text);
    own.follow(() => {
      const [said, help] = words();
      write(text, said);
      node.title = help;
    });
    modes.append(node);
    return radio;
  };
  const radios = [addMode("free", 0, () => [say("everyone"), say("You decide who takes each step")])];
  if (names.length > 1 && names.length < 4) {
    radios.push(
      addMode("defend", 0, () => [
        names[0],
        say("A game, turn by turn: {you} against a hostile {others}", { you: names[0], others: list(names.slice(1)) }),
      ]),
      addMode("attack", 0, () => [
        list(names.slice(1)),
        say("A game, turn by turn: {you} against the code of {others}", { you: list(names.slice(1)), others: names[0] }),
      ]),
    );
  }
  radios[0].checked = true;
  const bar = h(
    "div.controls",
    {},
    modes,
    waitButton,
    undoButton,
    redoButton,
    resetButton,
    playButton,
    failButton,
    giveButton,
    predictor,
  );

  // --- the story, or a question
  const told = h("p.told", { role: "status", "aria-live": "polite" });
  const options = h("div.options", { role: "group" });
  const telling = h("div.telling", {}, told, options);

  // --- the source
  const rows = new Map();
  const code = h("div.code", { tabindex: 0, role: "region" });
  label(code, null, { "aria-label": "Source" });
  for (const file of graph.files) {
    code.append(h("div.file", {}, file.name));
    let last = null;
    for (const [number, text] of file.lines) {
      if (last !== null && number > last + 1) code.append(h("div.gap", {}, "⋮"));
      last = number;
      const marks = h("span.marks");
      const words = h("code", {}, ...coloured(text));
      words.style.setProperty("--indent", `${text.search(/\S|$/) + 2}ch`);
      const row = h("div.line", {}, marks, h("span.number", {}, String(number)), words);
      rows.set(`${file.name}:${number}`, { row, marks });
      code.append(row);
    }
  }

  // --- a lane for each process: its next access, what it believes, what it did
  // as high as the most locals that it ever has, so that nothing moves
  const height = (shape) => graph.shapes[shape].reduce((sum, { parts }) => sum + (parts.length ? 4.7 : 1.6), 0);
  const heights = nodes.flatMap(({ state }) => state.slice(1).map((thread) => height(graph.threads[thread][1])));
  const tallest = Math.max(4.6, ...heights) + 0.6;
  const tso = graph.memory === "tso";
  const cards = names.map((name, thread) => {
    const next = h("span.next");
    const where = h("span.where");
    const stepper = h(
      "button.step",
      { type: "button", onclick: () => step(thread), "aria-keyshortcuts": String(thread + 1) },
      h("span.who", {}, h("kbd", {}, String(thread + 1)), " ", h("b", {}, name)),
      next,
      where,
    );
    const locals = h("div.locals");
    const buffer = h("div.buffer");
    const drain = h("button.drain", {
      type: "button",
      onclick: () => step(THREADS + thread),
      "aria-keyshortcuts": `Shift+${thread + 1}`,
    });
    const node = h(
      "div.thread",
      { style: `--colour: ${colour[thread]}` },
      stepper,
      locals,
      tso ? h("div.stores", {}, drain, buffer) : "",
    );
    return { node, stepper, next, where, locals, drain, buffer };
  });
  const lanes = h("div.lanes", { tabindex: 0, role: "log", "aria-live": "off" });
  label(lanes, null, { "aria-label": "What each process did, step by step" });
  const threads = h(
    "div.panel.threads",
    { style: `--threads: ${names.length}; --tallest: ${tallest}em` },
    h("div.heads", {}, ...cards.map(({ node }) => node)),
    lanes,
  );

  // --- shared memory
  const badge = (thread) =>
    h(
      "span.badge",
      { style: `--colour: ${colour[thread]}; --ink: ${inkOn(colour[thread])}`, title: names[thread] },
      String(thread + 1),
    );
  const chip = (part) => h("span.part", { style: `--colour: ${part.colour ?? "#999999"}` });
  const fieldRows = graph.words.map((word) => {
    const now = h("code.now");
    const before = h("span.was");
    const who = h("span.at");
    const parts = word.parts.map((part) => ({ part, node: chip(part) }));
    const node = h(
      "div.cell",
      {},
      h("code.name", {}, word.name),
      now,
      before,
      h("span.parts", {}, ...parts.map(({ node }) => node)),
      who,
    );
    return { word, node, now, before, who, parts };
  });
  const memory = h(
    "div.panel.memory",
    {},
    h("h4", {}, label(h("span"), "Shared memory")),
    h("div.fields", {}, ...fieldRows.map(({ node }) => node)),
  );

  const map = stateMap({
    own,
    machine,
    states: graph.states,
    colour,
    visit,
    now: () => ({ run, path: path(), node: story.node, peek: mode === "free" || ended() }),
  });

  // --- the schedule
  const input = h("input.hex", { type: "text", spellcheck: "false", autocomplete: "off" });
  label(input, null, { "aria-label": "Schedule", title: "Who takes which step. Paste one and press Enter to replay it." });
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter") (replay(input.value), root.focus({ preventScroll: true }));
    if (event.key === "Escape") ((input.value = formatSchedule(run, processes)), root.focus({ preventScroll: true }));
  });
  const copy = () => {
    input.select();
    // what a page without permissions can do
    const done = document.execCommand("copy") || navigator.clipboard?.writeText(input.value);
    message = () =>
      done ? say("Copied the schedule.") : say("The schedule is selected: copy it with the keys of your browser.");
    draw();
  };
  const scheduleRow = h(
    "div.schedule",
    {},
    label(h("label"), "Schedule"),
    input,
    button("Copy", "Copy the schedule: C", "C", copy),
    button("Replay", "Replay what stands in the field: Enter", "Enter", () => replay(input.value)),
  );
  const foot = h("p.foot");
  const drawFoot = () => {
    const values = { keys: keys.join(" ") };
    foot.textContent =
      mode === "free"
        ? say(
            "Keys: {keys} step · Z undo · Y redo · 0 start over · Space play · F shortest failing run · P predict · C copy",
            values,
          )
        : say("Keys: {keys} step · W wait · Z undo · 0 start over · G give up · C copy", values);
    if (tso) foot.textContent += " · " + say("Shift and a number: its oldest store reaches memory");
    if (graph.nodes.length < graph.states)
      foot.textContent +=
        " · " +
        say("{stored} of {states} states are stored here: the failing runs and what lies around them.", {
          stored: grouped.format(graph.nodes.length),
          states: grouped.format(graph.states),
        });
  };

  // a heading is as high as two lines
  const source = h("div.panel.source", { style: `--lines: ${code.children.length + graph.files.length}` }, code);
  root.append(bar, telling, h("div.stage", {}, source, threads, memory, map.panel), scheduleRow, foot);
  root.tabIndex = 0;

  // --- drawing
  const drawSource = () => {
    for (const { row, marks } of rows.values()) {
      row.className = "line";
      row.style.removeProperty("--colour");
      marks.replaceChildren();
    }
    const last = story.steps.at(-1);
    const here = [];
    const see = (thread, { row }) => here.push({ thread, top: row.offsetTop, bottom: row.offsetTop + row.offsetHeight });
    names.forEach((name, thread) => {
      const { next } = machine.thread(story.last, thread);
      const place = rows.get(`${next.file}:${next.line}`);
      if (next.kind === "nothing" || !place) return;
      place.row.classList.add("here");
      place.row.style.setProperty("--colour", colour[thread]);
      place.marks.append(badge(thread));
      see(thread, place);
    });
    const left = last && rows.get(`${last.access.file}:${last.access.line}`);
    if (!here.length && left) see(last.thread, left);
    if (!here.length) return;
    // all lines if they fit, else that of the process that has moved
    const moved = here.find(({ thread }) => thread === last?.thread) ?? here[0];
    const whole = { top: Math.min(...here.map(({ top }) => top)), bottom: Math.max(...here.map(({ bottom }) => bottom)) };
    const { top, bottom } = whole.bottom - whole.top < code.clientHeight - 40 ? whole : moved;
    if (top < code.scrollTop + 20 || bottom > code.scrollTop + code.clientHeight - 20)
      code.scrollTop = (top + bottom - code.clientHeight) / 2;
  };
  const fresh = (word) =>
    story.changed.filter(
      ({ number, at, size }) => number === story.steps.length && at < word.at + word.size && word.at < at + size,
    )[0];
  const drawMemory = () => {
    const last = story.steps.at(-1);
    for (const { word, node, now, before, who, parts } of fieldRows) {
      const place = { at: word.at, size: word.size };
      const all = machine.peek(story.last, place);
      const old = last ? machine.peek(last.from, place) : all;
      const whole = word.bits ? (number) => bitsOf(number, word) : (number) => number;
      const changed = last && fresh(word) && whole(all) !== whole(old);
      write(now, value(whole(all), word.size, word.kind));
      write(before, changed ? say("was {value}", { value: value(whole(old), word.size, word.kind) }) : "");
      node.classList.toggle("changed", Boolean(changed));
      node.style.setProperty("--colour", changed ? colour[last.thread] : "transparent");
      for (const { part, node } of parts) {
        const bits = bitsOf(all, part);
        write(node, partWords(part, bits));
        node.classList.toggle("differs", Boolean(changed) && bits !== bitsOf(old, part));
      }
      who.replaceChildren(
        ...names.flatMap((_name, thread) => {
          const { next } = machine.thread(story.last, thread);
          return !ended() && overlap(next, place) ? [badge(thread)] : [];
        }),
      );
    }
  };
  const drawThreads = () => {
    threads.classList.toggle("done", names.every((_name, thread) => machine.thread(story.last, thread).next.kind === "nothing"));
    cards.forEach(({ node, stepper, next, where, locals, drain, buffer }, thread) => {
      const state = machine.thread(story.last, thread);
      const why = obstacle(thread);
      const over = state.next.kind === "nothing";
      write(next, nextWords(state.next));
      write(where, over ? "" : why || `${state.next.file}:${state.next.line}`);
      stepper.setAttribute("aria-disabled", Boolean(why) || !mine(thread));
      stepper.title = why || nextWords(state.next);
      node.classList.toggle("over", Boolean(why));
      node.classList.toggle("theirs", !mine(thread));
      locals.replaceChildren(
        ...story.beliefs[thread].map((word) => {
          const shown = value(
            word.bits ? bitsOf(word.value, word) : word.value,
            word.size,
            word.register ? "unsigned" : word.kind,
          );
          const { parts, changed, register } = word;
          const line = h(
            "div.local" + (word.stale ? ".stale" : "") + (changed.length ? ".partly" : ""),
            {},
            h("code.name", {}, register ? say("{name} as read", { name: word.name }) : word.name),
            h("code.now", {}, shown),
          );
          if (parts.length)
            line.append(
              h(
                "span.parts",
                {},
                ...parts.map((part) => {
                  const node = chip(part);
                  node.textContent = partWords(part, bitsOf(word.value, part));
                  node.classList.toggle("differs", changed.includes(part));
                  return node;
                }),
              ),
            );
          if (word.stale) {
            const now = changed.length
              ? changed.map((part) => partWords(part, bitsOf(word.current, part))).join(", ")
              : value(word.current, word.size, "unsigned");
            line.append(h("span.alarm", {}, say("stale: now {value}", { value: now })));
          }
          return line;
        }),
      );
      if (!tso) return;
      const stuck = obstacle(THREADS + thread);
      drain.setAttribute("aria-disabled", Boolean(stuck));
      drain.title = stuck || say("The oldest store reaches memory: Shift+{key}", { key: thread + 1 });
      write(drain, say("Store buffer"));
      buffer.replaceChildren(
        ...(state.buffer.length
          ? state.buffer.map((store) => h("code", {}, `${store.name}=${worded(store, store.value)}`))
          : [h("small", {}, say("empty"))]),
      );
    });
  };
  const drawLanes = () => {
    const at = noReturn();
    const peek = mode === "free" || ended();
    const banner = (text) => h("div.banner", {}, text);
    const made = [];
    if (at === 0 && peek) made.push(banner(say("every run fails")));
    for (const one of story.steps) {
      const cell = h(
        "div.did" + (one.failed ? ".failed" : ""),
        { style: `--colour: ${colour[one.thread]}; grid-column: ${one.thread + 2}` },
        stepWords(one),
      );
      const word = wordAt(one.access);
      if (word && one.known && one.before !== one.after && word.parts.length && word.size === one.access.size)
        cell.append(
          h(
            "span.parts",
            {},
            ...word.parts
              .filter((part) => bitsOf(one.before, part) !== bitsOf(one.after, part))
              .map((part) => {
                const node = chip(part);
                node.textContent = `${partWords(part, bitsOf(one.before, part))} → ${partWords(part, bitsOf(one.after, part)).slice(part.name.length + 1)}`;
                return node;
              }),
          ),
        );
      made.push(h("div.row", {}, h("span.number", {}, String(one.number)), cell));
      if (one.number === at && peek) made.push(banner(say("point of no return: from here every continuation fails")));
    }
    if (verdict()) made.push(h("div.end.bad", {}, "✗ " + verdict()));
    else if (ended()) made.push(h("div.end.good", {}, "✓ " + say("every claim held")));
    lanes.replaceChildren(...made);
    // to the end, or as much further as it takes to begin with a whole row
    lanes.style.paddingBottom = 0;
    const end = lanes.scrollHeight - lanes.clientHeight;
    const first = end > 0 && made.find((one) => one.offsetTop - ROW_GAP >= end);
    if (first) lanes.style.paddingBottom = `${first.offsetTop - ROW_GAP - end}px`;
    lanes.scrollTop = lanes.scrollHeight;
  };

  const draw = () => {
    const free = mode === "free";
    write(told, asked ? asked.words() : message());
    telling.dataset.tone = asked
      ? "ask"
      : verdict()
        ? mode === "attack"
          ? "won"
          : "bad"
        : ended()
          ? mode === "attack"
            ? "bad"
            : "won"
          : "";
    options.hidden = !asked;
    options.replaceChildren(
      ...(asked?.options ?? []).map((words, index) =>
        h("button", { type: "button", onclick: () => guess(index) }, h("kbd", {}, String(index + 1)), " ", words()),
      ),
    );
    waitButton.hidden = giveButton.hidden = free;
    playButton.hidden = failButton.hidden = predictor.hidden = redoButton.hidden = !free;
    write(playButton, say(playing ? "Pause" : "Play"));
    playButton.title = say("Play what Redo would do, or the run from its beginning: Space");
    undoButton.setAttribute("aria-disabled", !run.length);
    redoButton.setAttribute("aria-disabled", !undone.length);
    write(tally, score[1] ? `${score[0]}/${score[1]}` : "");
    if (document.activeElement !== input) input.value = formatSchedule(run, processes);
    write(own.state, `${tso ? "x86-TSO" : say("sequential consistency")} · ${graph.build}`);
    root.dataset.steps = run.length;
    root.dataset.end = verdict() ? "bad" : ended() ? "good" : "";
    drawFoot();
    drawSource();
    drawMemory();
    drawThreads();
    drawLanes();
    map.draw();
  };

  root.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target === input) return;
    const digit = Number(/^(?:Digit|Numpad)(\d)$/.exec(event.code)?.[1] ?? -1);
    const onButton = event.target.closest("button, input, [data-node]");
    const does = {
      KeyZ: undo,
      KeyU: undo,
      KeyY: redo,
      KeyR: redo,
      KeyF: failing,
      KeyW: wait,
      KeyG: giveUp,
      KeyC: copy,
      KeyP: () => {
        predict.checked = !predict.checked;
        asked = null;
        draw();
      },
    }[event.code];
    if (asked && digit >= 1 && digit <= asked.options.length) guess(digit - 1);
    else if (asked && event.key === "Escape") ((asked = null), draw());
    else if (asked && digit >= 0) return;
    else if (digit === 0) reset();
    else if (digit >= 1 && digit <= names.length) step(event.shiftKey ? THREADS + digit - 1 : digit - 1);
    else if (event.code === "Space" && !onButton) play();
    else if (does && !event.shiftKey) does();
    else return;
    event.preventDefault();
  });
  own.follow(draw);
  if (schedule) replay(schedule);
}
