// One listing, one shared access at a time, on the state graph that the page carries. Needs no kernel.

const PALETTE = ["#e69f00", "#56b4e9", "#009e73", "#cc79a7", "#f0e442", "#0072b2", "#d55e00", "#999999"];
const KNOWN = { cpu: "#e69f00", iommu: "#f0e442" };
const THREADS = 8; // an action is a thread's step, or THREADS + a thread: its oldest store reaches memory
const GOOD = 1;
const BAD = 2;
const UNKNOWN = 4;
const MAP_MOST = 60;
const PLAY_MS = 700;

const KINDS = {
  read: ["reads {name}", "reads {name}: {before}"],
  write: ["writes {name}", "writes {name}: {before} → {after}"],
  swap: ["cmpxchg of {name}: {expected} → {new}", "cmpxchg of {name} succeeds: {before} → {after}"],
  modify: ["changes {name} atomically", "changes {name} atomically: {before} → {after}"],
  fence: ["full fence", "full fence"],
  lock: ["takes the lock {name}", "takes the lock {name}"],
  free: ["frees {name}", "frees {name}"],
};

// --- the graph: nothing here touches the page

/** What the packed graph means: values, steps, ways, and what can still happen. */
function explorer(graph) {
  const nodes = graph.nodes.map(([state, can, finding, edges]) => ({ state, can, finding, edges }));
  const access = (row) => {
    const [kind, name, at, size, marked, hidden, file, line, expected, operand] = graph.accesses[row];
    return {
      kind,
      name,
      at,
      size,
      marked,
      hidden,
      file,
      line,
      expected: BigInt("0x" + expected),
      operand: BigInt("0x" + operand),
    };
  };
  const accesses = graph.accesses.map((_row, index) => access(index));
  const threads = graph.threads.map(([next, shape, values, buffer]) => ({
    next: accesses[next],
    locals: graph.shapes[shape].map((word, index) => ({ ...word, value: BigInt("0x" + values[index]) })),
    buffer: buffer.map(([store, operand]) => ({ ...accesses[store], value: BigInt("0x" + operand) })),
  }));
  const bytes = graph.memories.map((text) => Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16)));
  const own = { nodes, processes: graph.processes, whole: graph.whole };

  own.thread = (node, thread) => threads[nodes[node].state[1 + thread]];
  /** What stands at a place; with a thread, as that thread sees it, its own buffered stores on top. */
  own.peek = (node, { at, size }, thread = -1) => {
    if (at < 0) return 0n;
    const seen = bytes[nodes[node].state[0]].slice(at, at + size);
    if (thread >= 0)
      for (const store of own.thread(node, thread).buffer)
        for (let byte = 0; byte < store.size; byte++) {
          const place = store.at + byte - at;
          if (place >= 0 && place < size) seen[place] = Number((store.value >> BigInt(8 * byte)) & 0xffn);
        }
    return seen.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
  };
  own.target = (node, action) => nodes[node].edges.find(([by]) => by === action)?.[1];
  own.access = (node, action) =>
    action < THREADS ? own.thread(node, action).next : own.thread(node, action - THREADS).buffer[0];
  own.doomed = (node) => graph.whole && !(nodes[node].can & (GOOD | UNKNOWN));
  own.livelock = graph.findings.findIndex(([kind]) => kind === "livelock");
  /** The number of the finding that a run has come to here; -1 for none. */
  own.finding = (node) => (own.doomed(node) && !(nodes[node].can & BAD) ? own.livelock : nodes[node].finding);
  own.ended = (node) => nodes[node].finding >= 0 || !nodes[node].edges.length;

  /** Breadth first from a node: the actions to the nearest node that is wanted. */
  own.way = (from, wanted) => {
    const came = new Map([[from, null]]);
    for (const node of came.keys()) {
      if (wanted(node)) {
        const actions = [];
        for (let step = came.get(node); step; step = came.get(step[0])) actions.push(step[1]);
        return actions.reverse();
      }
      for (const [action, target] of nodes[node].edges) if (target >= 0 && !came.has(target)) came.set(target, [node, action]);
    }
    return null;
  };

  // how deep each node lies, and on which side: every step of a later process goes further down
  own.depth = nodes.map(() => Infinity);
  own.side = nodes.map(() => 0);
  own.depth[0] = 0;
  const reached = [0];
  for (const node of reached)
    for (const [action, target] of nodes[node].edges)
      if (target >= 0 && own.depth[target] === Infinity) {
        own.depth[target] = own.depth[node] + 1;
        own.side[target] = own.side[node] + (action % THREADS) - (own.processes.length - 1) / 2;
        reached.push(target);
      }

  /**
   * A game: one process against the rest. For each node from which the rest can force a failure, what they do there:
   * an action of theirs, or null to wait for the one. Memory, which decides when a buffered store arrives, is with them.
   */
  own.force = (defender) => {
    const plan = new Map();
    for (let node = 0; node < nodes.length; node++) if (own.finding(node) >= 0) plan.set(node, null);
    for (let grown = true; grown;) {
      grown = false;
      const found = [];
      for (let node = 0; node < nodes.length; node++) {
        if (plan.has(node)) continue;
        const { edges } = nodes[node];
        const strike = edges.find(([action, target]) => action !== defender && plan.has(target));
        const mine = edges.filter(([action]) => action === defender);
        if (strike) found.push([node, strike[0]]);
        else if (mine.length && mine.every(([, target]) => plan.has(target))) found.push([node, null]);
      }
      for (const [node, action] of found) plan.set(node, action);
      grown = found.length > 0;
    }
    return plan;
  };
  /** What a hostile rest does now, though it cannot win: make the next cmpxchg fail. Null to wait. */
  own.annoy = (node, defender) => {
    const { next } = own.thread(node, defender);
    if (next.kind !== "swap" || own.peek(node, next, defender) !== next.expected) return null;
    const came = new Map([[node, null]]);
    for (const at of came.keys()) {
      if (nodes[at].state.length && own.peek(at, next, defender) !== next.expected) {
        let step = came.get(at);
        while (step[0] !== node) step = came.get(step[0]);
        return step[1];
      }
      for (const [action, target] of nodes[at].edges)
        if (action !== defender && target >= 0 && !came.has(target)) came.set(target, [at, action]);
    }
    return null;
  };
  return own;
}

/** "a b*2 a~" as actions; the first word that is no step of this listing is thrown. */
function parseSchedule(text, processes) {
  return text
    .trim()
    .split(/\s+/)
    .filter(Boolean)
    .flatMap((word) => {
      const [, name, drains, times] = word.match(/^(\w+)(~?)(?:\*(\d+))?$/) ?? [];
      const thread = processes.indexOf(name);
      if (thread < 0 || times > 100000) throw new RangeError(word);
      return Array(Number(times ?? 1)).fill(thread + (drains ? THREADS : 0));
    });
}

function formatSchedule(actions, processes) {
  const words = actions.map((action) => processes[action % THREADS] + (action >= THREADS ? "~" : ""));
  const runs = [];
  for (const word of words)
    if (runs.at(-1)?.word === word) runs.at(-1).times++;
    else runs.push({ word, times: 1 });
  return runs.map(({ word, times }) => (times > 1 ? `${word}*${times}` : word)).join(" ");
}

const bitsOf = (value, { bit, bits }) => (value >> BigInt(bit)) & ((1n << BigInt(bits)) - 1n);
const overlap = (a, b) => a.at >= 0 && b.at >= 0 && a.at < b.at + b.size && b.at < a.at + a.size;

/** A run as a list of steps, each with what it did and what each process still believes afterwards. */
function follow(graph, machine, lines, actions) {
  const steps = [];
  let node = 0;
  let last = 0; // the last node whose memory is known: a step that fails leaves none
  let minds = machine.processes.map(() => ({ links: new Map(), reads: [] }));
  const changed = [];
  for (const action of actions) {
    const thread = action % THREADS;
    const access = machine.access(node, action);
    const to = machine.target(node, action);
    const known = machine.nodes[to].state.length > 0;
    const drains = action >= THREADS;
    const before = machine.peek(node, access, drains ? -1 : thread);
    const after = known ? machine.peek(to, access, drains ? -1 : thread) : before;
    const step = { number: steps.length + 1, action, thread, drains, access, from: node, to, before, after, known };
    step.failed = access.kind === "swap" && before !== access.expected;
    step.blame = step.failed ? culprit(steps, step) : null;
    if (known && access.at >= 0 && machine.peek(to, access) !== machine.peek(node, access))
      changed.push({ number: step.number, thread, at: access.at, size: access.size });
    minds = known ? [...minds] : minds;
    if (known && !drains) minds[thread] = believe(machine, lines, minds[thread], step);
    steps.push(step);
    node = to;
    if (known) last = to;
  }
  const beliefs = machine.processes.map((_name, thread) => believed(machine, last, thread, minds[thread]));
  return { steps, node, last, beliefs, changed };
}

/** Who changed the value last since this process last looked. */
function culprit(steps, { access, thread }) {
  for (let index = steps.length - 1; index >= 0; index--) {
    const step = steps[index];
    if (!overlap(step.access, access)) continue;
    if (step.thread === thread) return null;
    if (step.before !== step.after) return step;
  }
  return null;
}

/**
 * What a process knows after a step of its own: for each local that took what was read, from where. Where no local took
 * it, the value lives in a register, and is kept by the name of what was read until the process writes there.
 */
function believe(machine, lines, mind, { thread, access, before, to, from, failed }) {
  const links = new Map();
  const now = machine.thread(to, thread).locals;
  const old = machine.thread(from, thread).locals;
  const was = (word, index) => (old[index]?.name === word.name ? old[index] : old.find(({ name }) => name === word.name));
  let reads = mind.reads;
  const reading = access.kind === "read" || failed;
  const writing = access.kind === "write" || access.kind === "modify" || (access.kind === "swap" && !failed);
  now.forEach((word, index) => {
    const link = mind.links.get(word.name);
    if (link && was(word, index)?.value === word.value && !(writing && overlap(link, access))) links.set(word.name, link);
  });
  if (writing || reading) reads = reads.filter((read) => !overlap(read, access));
  if (!reading || access.at < 0) return { links, reads };
  let taken = false;
  const line = lines.get(`${access.file}:${access.line}`) ?? "";
  now.forEach((word, index) => {
    const root = word.name.match(/\w+/)[0];
    const assigned = new RegExp(`\\b${root}\\b[^=;]*(?<![!<>=])=(?!=)`).test(line);
    if (!assigned && was(word, index)?.value === word.value) return;
    const same = word.parts.filter((part) => word.size === access.size && bitsOf(word.value, part) === bitsOf(before, part));
    if (word.value === before) links.set(word.name, { at: access.at, size: access.size, value: before, parts: word.parts });
    else if (same.length) links.set(word.name, { at: access.at, size: access.size, value: before, parts: same });
    else return;
    taken = true;
  });
  if (!taken && !failed) reads = [...reads, { ...access, value: before }].slice(-2);
  return { links, reads };
}

/** The locals as they stand, each with what has become stale in it. */
function believed(machine, node, thread, { links, reads }) {
  const { locals } = machine.thread(node, thread);
  const judge = (link) => {
    const current = machine.peek(node, link, thread);
    const changed = link.parts.filter((part) => bitsOf(current, part) !== bitsOf(link.value, part));
    return { current, changed, stale: link.parts.length ? changed.length > 0 : current !== link.value };
  };
  return [
    ...locals.map((word) => {
      const link = links.get(word.name);
      return { ...word, ...(link ? judge(link) : { changed: [], stale: false }) };
    }),
    ...reads.map((read) => ({ ...read, parts: [], register: true, ...judge({ ...read, parts: [] }) })),
  ];
}

// --- the page

/** C, a little coloured: comments, words of the language, the blocks of a listing. */
function coloured(text) {
  const parts = text.split(/(\/\*.*?\*\/|\/\/.*|"(?:\\.|[^"\\])*"|\b[A-Za-z_]\w*\b)/);
  const words =
    /^(?:static|struct|union|unsigned|signed|int|long|char|void|bool|const|volatile|do|while|for|if|else|return|break|continue|goto|sizeof|[us](?:8|16|32|64)|atomic\w*_t|__always_inline|inline)$/;
  const blocks = /^(?:PROCESS|INIT|INVARIANT|FINALLY|EXPECT|READ_ONCE|WRITE_ONCE|(?:try_)?cmpxchg\w*|xchg|smp_\w+)$/;
  return parts.map((part) => {
    if (/^(?:\/\*|\/\/)/.test(part)) return h("i", {}, part);
    if (part[0] === '"') return h("q", {}, part);
    return words.test(part) ? h("b", {}, part) : blocks.test(part) ? h("em", {}, part) : part;
  });
}

const svg = (name, attributes = {}, ...children) => {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
};

function mount(el, { graph, texts, language, size, schedule }) {
  el.replaceChildren();
  const traits = { texts, language, size };
  const followers = {};
  // traits without a kernel behind them: what the page sets, it hears
  const model = {
    get: (key) => traits[key],
    on: (event, run) => (followers[event] ??= []).push(run),
    send: ({ name, value }) => {
      traits[name] = value;
      followers["change:" + name]?.forEach((run) => run());
    },
  };
  const own = frame({ model, el }, "stepper", "Step through");
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
      const row = h("div.line", {}, marks, h("span.number", {}, String(number)), h("code", {}, ...coloured(text)));
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
    const locals = h("div.locals", { style: `height: ${tallest}em` });
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
    { style: `--threads: ${names.length}` },
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
  const chip = (part) => h("span.part", { style: `--colour: ${part.colour ?? "var(--edge)"}` });
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

  // --- the map
  const map = svg("svg", { role: "group" });
  const mapTitle = h("small");
  const key = h("p.key");
  const mapPanel = h("div.panel.map", {}, h("h4", {}, label(h("span"), "Map of the states"), mapTitle), map, key);
  label(map, null, { "aria-label": "Map of the states" });

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

  root.append(bar, telling, h("div.stage", {}, h("div.panel.source", {}, code), threads, memory, mapPanel), scheduleRow, foot);
  root.tabIndex = 0;

  // --- drawing
  const drawSource = () => {
    for (const { row, marks } of rows.values()) {
      row.className = "line";
      row.style.removeProperty("--colour");
      marks.replaceChildren();
    }
    const here = [];
    names.forEach((name, thread) => {
      const { next } = machine.thread(story.last, thread);
      const place = rows.get(`${next.file}:${next.line}`);
      if (next.kind === "nothing" || !place) return;
      place.row.classList.add("here");
      place.row.style.setProperty("--colour", colour[thread]);
      place.marks.append(badge(thread));
      here.push({ thread, top: place.row.offsetTop, bottom: place.row.offsetTop + place.row.offsetHeight });
    });
    if (!here.length) return;
    // all lines if they fit, else that of the process that has moved
    const moved = here.find(({ thread }) => thread === story.steps.at(-1)?.thread) ?? here[0];
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
    lanes.scrollTop = lanes.scrollHeight;
  };

  /** The nodes to draw: all, or those around the run. */
  const around = () => {
    if (nodes.length <= MAP_MOST) return nodes.map((_node, index) => index);
    // a set is walked on to what is added to it meanwhile
    const chosen = new Set(
      path()
        .slice(-MAP_MOST / 3)
        .reverse(),
    );
    for (const node of chosen)
      for (const [, target] of nodes[node].edges) if (target >= 0 && chosen.size < MAP_MOST) chosen.add(target);
    return [...chosen];
  };
  const drawMap = () => {
    const shown = around();
    const layers = new Map();
    for (const node of shown) layers.set(machine.depth[node], [...(layers.get(machine.depth[node]) ?? []), node]);
    const first = Math.min(...layers.keys());
    const spots = new Map();
    let tall = 1;
    for (const [depth, members] of layers) {
      members.sort((a, b) => machine.side[a] - machine.side[b] || a - b);
      tall = Math.max(tall, members.length);
      members.forEach((node, index) => spots.set(node, { x: depth - first, y: (index - (members.length - 1) / 2) * 30 }));
    }
    // as wide as the panel allows for this height
    const stride = Math.max(44, Math.min(110, (tall * 30 * 2.4) / Math.max(1, layers.size - 1)));
    for (const spot of spots.values()) spot.x *= stride;
    const wide = Math.max(...[...spots.values()].map(({ x }) => x));
    const width = Math.max(wide, 300);
    map.setAttribute("viewBox", `${-24 - (width - wide) / 2} ${-tall * 15 - 12} ${width + 48} ${tall * 30 + 24}`);
    const inside = new Set(shown);
    const walked = new Set(
      path()
        .slice(1)
        .map((node, index) => `${path()[index]} ${run[index]} ${node}`),
    );
    const peek = mode === "free" || ended();
    const bad = (node) => peek && machine.doomed(node);
    const drawn = [];
    for (const from of shown)
      for (const [action, to] of nodes[from].edges) {
        if (!inside.has(to)) continue;
        const a = spots.get(from);
        const b = spots.get(to);
        const been = walked.has(`${from} ${action} ${to}`);
        const crossing = bad(to) && !bad(from);
        const kind = [been && "been", bad(to) && "bad", crossing && "crossing"].filter(Boolean).join(" ");
        const bend = b.x > a.x ? 0 : 26;
        const d = `M${a.x} ${a.y} Q${(a.x + b.x) / 2} ${(a.y + b.y) / 2 - bend} ${b.x} ${b.y}`;
        drawn.push(svg("path", { d, class: kind, style: `--colour: ${colour[action % THREADS]}` }));
        if (crossing) {
          const [x, y] = [(a.x + b.x) / 2, (a.y + b.y) / 2 - bend / 2];
          const length = Math.hypot(b.x - a.x, b.y - a.y) || 1;
          const [dx, dy] = [((a.y - b.y) / length) * 6, ((b.x - a.x) / length) * 6];
          drawn.push(svg("path", { d: `M${x - dx} ${y - dy} L${x + dx} ${y + dy}`, class: "gate" }));
        }
      }
    const been = new Set(path());
    for (const node of shown) {
      const { x, y } = spots.get(node);
      const end = machine.ended(node);
      const wrong = bad(node) && machine.finding(node) >= 0;
      const here = node === story.node;
      const kind = ["node", bad(node) && "bad", end && "end", been.has(node) && "been", here && "here"]
        .filter(Boolean)
        .join(" ");
      const shape = bad(node)
        ? svg("path", { d: end ? "M0 -12 L12 0 L0 12 L-12 0 Z" : "M0 -9 L9 0 L0 9 L-9 0 Z" })
        : svg("circle", { r: end ? 10 : 7 });
      const mark = end && peek ? svg("text", { "text-anchor": "middle", dy: "0.35em" }, wrong ? "✗" : "✓") : "";
      const way = machine.way(0, (one) => one === node) ?? [];
      const words = [
        way.length ? say("after {schedule}", { schedule: formatSchedule(way, processes) }) : say("the beginning"),
        here ? say("you are here") : "",
        !peek
          ? ""
          : wrong
            ? say("a failing end")
            : end && !bad(node)
              ? say("a good end")
              : bad(node)
                ? say("every continuation fails")
                : "",
      ]
        .filter(Boolean)
        .join("; ");
      const spot = svg("g", {
        class: kind,
        transform: `translate(${x} ${y})`,
        role: "button",
        tabindex: here ? 0 : -1,
        "aria-label": words,
        "data-node": node,
      });
      if (here) spot.append(svg("circle", { r: 16, class: "ring" }));
      spot.append(shape, mark, svg("title", {}, words));
      spot.addEventListener("click", () => visit(node));
      drawn.push(spot);
    }
    const focused = map.contains(document.activeElement);
    map.replaceChildren(...drawn);
    if (focused) map.querySelector(".here")?.focus();
    write(
      mapTitle,
      nodes.length > MAP_MOST
        ? say("{shown} of {states} states: the part around the run", {
            shown: shown.length,
            states: grouped.format(graph.states),
          })
        : say("{states} states; click one to go there", { states: nodes.length }),
    );
    key.replaceChildren(
      ...[
        ["◉", "you are here"],
        ...(peek
          ? [
              ["◆", "every continuation fails"],
              ["∥", "point of no return"],
            ]
          : [["?", "what can still happen is shown after the game"]]),
      ].map(([mark, words]) =>
        h("span", {}, h("b" + (mark === "◆" || mark === "∥" ? ".bad" : ""), {}, mark), " " + say(words)),
      ),
    );
  };
  map.addEventListener("keydown", (event) => {
    const direction = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    const node = document.activeElement?.closest?.("[data-node]");
    if (!node) return;
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      event.stopImmediatePropagation();
      return visit(Number(node.dataset.node));
    }
    if (!direction) return;
    event.preventDefault();
    const place = (one) =>
      one
        .getAttribute("transform")
        .match(/-?[\d.]+/g)
        .map(Number);
    const [x, y] = place(node);
    const cost = (one) => {
      const [dx, dy] = [place(one)[0] - x, place(one)[1] - y];
      const along = dx * direction[0] + dy * direction[1];
      return along > 0 ? along + 3 * Math.abs(dx * direction[1] + dy * direction[0]) : Infinity;
    };
    const best = [...map.querySelectorAll("[data-node]")].reduce((a, b) => (cost(b) < cost(a) ? b : a));
    if (cost(best) < Infinity) best.focus();
  });

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
    write(own.state, `${graph.build} · ${tso ? "x86-TSO" : say("sequential consistency")}`);
    root.dataset.steps = run.length;
    root.dataset.end = verdict() ? "bad" : ended() ? "good" : "";
    drawFoot();
    drawSource();
    drawMemory();
    drawThreads();
    drawLanes();
    drawMap();
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
