// A packed state graph, and a run in it: values, steps, beliefs, what can still happen. Nothing here touches the page.

const THREADS = 8; // an action is a thread's step, or THREADS + a thread: its oldest store reaches memory
const GOOD = 1;
const BAD = 2;
const UNKNOWN = 4;

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
