// The race, live: Python sends a snapshot thirty times a second, the newest is drawn.

const decades = (steps, first, count) =>
  Array.from({ length: count }, (_, power) => steps.map((step) => step * first * 10 ** power)).flat();
const WINDOWS = [0, 1, 2, 3, 5, 7, ...decades([1, 1.5, 2, 3, 5, 7], 10, 3), 10000];
const RATES = [0.2, 0.5, ...decades([1, 2, 5], 1, 7), Infinity];
const POSTERS = [1, 2, 3, 4, 5, 6, 7, 8];
const HOLD_MS = 1500; // how long a collision stands before the next one replaces it
const SPAN_NS = 30e9; // what the charts show

const STRATEGIES = {
  cmpxchg: "The kernel's loop: after a failed cmpxchg it reads control again",
  try_cmpxchg: "The newer loop: after a failure it goes on with the value that try_cmpxchg found",
  store: "Wrong on purpose: a plain 64-bit store in place of the cmpxchg",
  split_load: "Wrong on purpose: old and new come from two separate reads",
};

const STATES = {
  stopped: "stopped",
  running: "running",
  paused: "paused: nobody was looking",
  frozen: "frozen at the first damage",
};

const VCPU = [
  ["stopped", "Start sets it going."],
  ["running", "Notifications reach it directly."],
  ["blocked", "A notification will wake it."],
  ["asleep", "ON was lost: only the next post wakes it."],
];

const COUNTERS = [
  ["updates", "updates", "Writes of control that went through"],
  ["retries", "retries", "Attempts that failed: control had changed since the read"],
  ["posts", "posts", "Interrupts posted by the IOMMU and by other CPUs"],
  ["coalesced", "coalesced", "Posts that found ON=1 and sent no notification of their own"],
  ["notifications", "ON set", "Posts that set ON and notified"],
  ["on_cleared", "ON cleared", "Times the vCPU saw ON, cleared it and took PIR"],
  ["lost", "ON lost", "ON set by a post and overwritten by an update"],
  ["missed_wakeups", "missed wakeups", "Times the vCPU fell asleep although an interrupt was pending"],
];

/** Turns the bytes of a snapshot into numbers by name, control and PIR, and events. */
function parser({ snapshot, event, kinds }) {
  const place = Object.fromEntries(snapshot.map((name, index) => [name, 8 * index]));
  const slot = Object.fromEntries(event.map((name, index) => [name, 8 * index]));
  return (bytes) => {
    const big = (at) => bytes.getBigUint64(at, true);
    const shot = {};
    for (const name of snapshot) shot[name] = Number(big(place[name]));
    shot.control = big(place.control);
    shot.pir = [0, 1, 2, 3].map((part) => big(place["pir" + part]));
    const start = 8 * snapshot.length;
    shot.events = Array.from({ length: shot.events }, (_, index) => {
      const at = start + index * 8 * event.length;
      const number = (name) => Number(big(at + slot[name]));
      return {
        thread: number("thread"),
        kind: kinds[number("kind")],
        begin: number("begin_ns"),
        end: number("end_ns"),
        old: big(at + slot.old),
        new: big(at + slot.new),
        seen: big(at + slot.seen),
      };
    });
    return shot;
  };
}

/** The attempt worth showing, the one after it, and the posts that fell into it. */
function collision(events) {
  const attempts = events.filter((event) => event.thread === 0 && event.begin);
  const latest = (...kinds) => attempts.findLast((event) => kinds.includes(event.kind));
  const focus = latest("damage") ?? latest("failed") ?? attempts.at(-1);
  if (!focus) return null;
  const posts = events.filter((event) => event.thread > 0);
  const during = posts.filter((post) => post.end > focus.begin && (post.begin || post.end) < focus.end);
  return {
    focus,
    next: attempts.find((event) => event.begin >= focus.end && event.end > focus.end),
    culprit: during.find((post) => post.kind === "post" && post.old === focus.old) ?? during.find((post) => post.kind === "post"),
    events,
  };
}

const threadName = (thread) => (thread === 0 ? "vCPU" : thread === 1 ? "IOMMU" : "CPU " + thread);
const isBad = (kind) => kind === "damage" || kind === "failed";

/** A choice on a slider with uneven stops; the value shown is exact even between two stops. */
function slider(own, { name, text, help, stops, show }, model) {
  const input = h("input", { type: "range", min: 0, max: stops.length - 1, step: 1, name, disabled: model.get("recorded") });
  const output = h("output");
  const box = own.label(h("label.slider", {}, own.label(h("span"), text), input, output), null, { title: help });
  const distance = (a, b) => (a === b ? 0 : Math.abs(Math.log((a || 0.3) / (b || 0.3))));
  const read = () => model.get(name) ?? Infinity;
  const tell = (value) => {
    write(output, show(value));
    input.setAttribute("aria-valuetext", show(value));
  };
  let touched = 0;
  const send = drawing(() => own.set(name, Number.isFinite(stops[input.value]) ? stops[input.value] : null));
  input.addEventListener("input", () => {
    touched = performance.now();
    tell(stops[input.value]);
    send();
  });
  own.on(name, () => {
    // An echo of an earlier position must not pull the thumb from under the finger.
    if (performance.now() - touched < 500) return;
    const value = read();
    const near = stops.map((stop) => distance(stop, value));
    input.value = near.indexOf(Math.min(...near));
    tell(value);
  });
  own.follow(() => tell(performance.now() - touched < 500 ? stops[input.value] : read()));
  return box;
}

const ICONS = {
  bell: '<path d="M4 17h16l-2-3v-4a6 6 0 0 0-12 0v4z"/><path class="line" d="M10 20a2 2 0 0 0 4 0M12 4V2"/>',
  mail: '<rect x="3" y="6" width="18" height="13" rx="1.5"/><path class="line" d="M3.5 7.5 12 14l8.5-6.5"/>',
  chip:
    '<path class="line" d="M8 5V2m4 3V2m4 3V2M8 22v-3m4 3v-3m4 3v-3M5 8H2m3 4H2m3 4H2m20-8h-3m3 4h-3m3 4h-3"/>' +
    '<rect x="5" y="5" width="14" height="14" rx="2"/>' +
    '<path class="mark go" d="M10 8.5v7l6-3.5z"/><path class="mark wait" d="M9.5 8.5v7M14.5 8.5v7"/>' +
    '<path class="mark sleep" d="M9.5 9h5l-5 6h5"/>',
};

function station(icon) {
  const words = h("div.words");
  const more = h("div.more");
  const picture = h("span.icon." + icon, { "aria-hidden": "true" });
  picture.innerHTML = `<svg viewBox="0 0 24 24">${ICONS[icon]}</svg>`;
  return { node: h("div.station", {}, picture, h("div", {}, words, more)), picture, words, more };
}

function render(context) {
  const { model } = context;
  const own = front(context, "racer", "Race the IOMMU", 500);
  const { root, say, label } = own;
  const parse = parser(model.get("layout_of_frame"));
  const fields = model.get("fields");
  const colours = model.get("colours");
  const control = fields.filter((field) => field.control);
  const pirColour = fields.find((field) => field.name === "pir").colour;
  const onColour = fields.find((field) => field.name === "on").colour;

  // --- controls
  const start = h("button.start", { type: "button", onclick: () => own.send(start.dataset.does) });
  const reset = label(h("button", { type: "button", onclick: () => own.send("reset") }), "Reset", {
    title: "Stop and set every counter to 0",
  });
  const group = "strategy-" + Math.random();
  const strategies = h("fieldset.choice", {}, label(h("legend"), "Update"));
  for (const [name, help] of Object.entries(STRATEGIES)) {
    const radio = h("input", {
      type: "radio",
      name: group,
      value: name,
      onchange: () => own.set("strategy", name),
    });
    strategies.append(label(h("label", {}, radio, h("code", {}, name)), null, { title: help }));
  }
  const radios = [...strategies.querySelectorAll("input")];
  own.on("strategy", () => radios.forEach((radio) => (radio.checked = radio.value === model.get("strategy"))));
  const freeze = h("input", { type: "checkbox", name: "freeze", disabled: model.get("recorded"), onchange: () => own.set("freeze", freeze.checked) });
  own.on("freeze", () => (freeze.checked = model.get("freeze")));
  const freezer = label(h("label.check", {}, freeze, label(h("span"), "Freeze at first damage")), null, {
    title: "Stop as soon as an update has overwritten ON, and show how",
  });
  const perSecond = (rate) => (Number.isFinite(rate) ? say("{n}/s", { n: rate < 1 ? rate : short(rate) }) : say("flat out"));
  const sliders = h(
    "div.sliders",
    {},
    ...[
      {
        name: "delay_cycles",
        text: "Read-to-write window",
        help: "CPU cycles that the vCPU waits between reading control and writing it back",
        stops: WINDOWS,
        show: (cycles) => say("{n} cycles", { n: grouped.format(cycles) }),
      },
      {
        name: "posts_per_second",
        text: "Posts a second, each poster",
        help: "How often the IOMMU, and each further poster, posts an interrupt",
        stops: RATES,
        show: perSecond,
      },
      {
        name: "posters",
        text: "Posters",
        help: "Threads that post: the IOMMU alone, or other CPUs too",
        stops: POSTERS,
        show: (n) => "IOMMU" + (n > 2 ? ` + CPU 2–${n}` : n === 2 ? " + CPU 2" : ""),
      },
    ].map((choice) => slider(own, choice, model)),
  );

  // --- the descriptor
  const grid = controlGrid(own, control, () => h("span.bit", { "aria-hidden": "true" }, "0"));
  const word = h("code.value");
  const pir = h("canvas.pir", { role: "img" });
  label(pir, null, { title: "PIR: one square for each of the 256 vectors", "aria-label": "PIR: one square for each of the 256 vectors" });
  const bell = station("bell");
  const mail = station("mail");
  const chip = station("chip");
  const share = h("div.share", {}, h("i.running"), h("i.blocked"), h("i.asleep"));
  const shares = h("div.shares");
  const descriptor = h(
    "div.panel.descriptor",
    {},
    h("h4", {}, h("code", {}, "control"), word),
    grid.node,
    h(
      "div.below",
      {},
      h("div", {}, h("h4", {}, h("code", {}, "PIR"), label(h("small"), "256 vectors")), pir),
      h("div.stations", {}, bell.node, mail.node, chip.node),
    ),
    share,
    shares,
  );

  // --- the lanes
  const lanes = h("canvas.lanes", { role: "img" });
  label(lanes, null, { "aria-label": "Lanes: what each thread did, in nanoseconds" });
  const stage = h("span");
  const when = h("small");
  const story = h("p.story", { "aria-live": "off" });
  const words = ["old", "memory", "new"].map((row) => {
    const name = h("span.what");
    const value = h("code");
    const parts = control
      .filter((field) => !field.name.startsWith("rsvd"))
      .toReversed()
      .map((field) => {
        const part = h("span.part", { style: `--colour: ${field.colour}` });
        return { field, part };
      });
    return { row, name, value, parts, node: h("div.compare", {}, name, value, h("span", {}, ...parts.map(({ part }) => part))) };
  });
  const threads = h(
    "div.panel.threads",
    {},
    h("h4", {}, stage, when),
    lanes,
    story,
    ...words.map(({ node }) => node),
  );

  // --- counters and charts
  const cards = COUNTERS.map(([name, text, help]) => {
    const rate = h("b");
    const total = h("span.total");
    const node = label(h("div.card." + name, {}, label(h("span.what"), text), rate, total), null, { title: help });
    return { name, rate, total, node };
  });
  const chart = (text, colour) => {
    const canvas = h("canvas.chart", { role: "img" });
    const now = h("b");
    label(canvas, null, { "aria-label": text });
    return { canvas, now, colour, points: [], node: h("div.panel", {}, h("h4", {}, label(h("span"), text), now), canvas) };
  };
  const retryChart = chart("Updates that had to retry", colours.vCPU);
  const lostChart = chart("Of the ON set by posts, lost", onColour);

  const recorded = label(
    h("p.note", { hidden: !model.get("recorded") }),
    "A recording from another machine: a race needs two processors, and this machine lends one. Only the strategy can be chosen.",
  );
  root.append(
    recorded,
    h("div.controls", {}, start, reset, strategies, freezer, sliders),
    h("div.body", {}, descriptor, threads),
    h("div.cards", {}, ...cards.map(({ node }) => node)),
    h("div.charts", {}, retryChart.node, lostChart.node),
  );

  const redraw = () => {
    shownAt = 0;
    draw();
  };
  const easels = easel(root, [pir, lanes, retryChart.canvas, lostChart.canvas], redraw);
  const { css, clean } = easels;

  // --- what has been seen so far
  let shot = null;
  let waiting = []; // two that came at once are drawn one after the other
  let history = [];
  let marks = [];
  let states = [];
  let glow = Array(64).fill(0);
  let pirGlow = new Float32Array(256);
  let shown = null;
  let shownAt = 0;
  let lastText = 0;
  let lastMove = 0;

  const settingsChanged = () => {
    history = history.slice(-1);
    if (shot) marks.push(shot.elapsed_ns);
    shown = null;
    shownAt = 0;
  };
  for (const name of ["strategy", "delay_cycles", "posts_per_second", "posters"]) model.on("change:" + name, settingsChanged);

  const clear = () => {
    waiting = [];
    history = [];
    marks = [];
    states = [];
    retryChart.points = [];
    lostChart.points = [];
    shown = null;
  };

  /** Over how long a count was taken: 0.2 s, longer where little happens. */
  const since = (name) => {
    const last = history.at(-1);
    let from = last;
    for (let i = history.length - 2; i >= 0; i--) {
      from = history[i];
      if (last.elapsed_ns - from.elapsed_ns > 2e8 && last[name] - from[name] >= 50) break;
    }
    return from;
  };
  const rate = (name) => {
    const last = history.at(-1);
    if (model.get("status") !== "running") return last.elapsed_ns ? (last[name] / last.elapsed_ns) * 1e9 : 0;
    const from = since(name);
    const seconds = (last.elapsed_ns - from.elapsed_ns) / 1e9;
    return seconds ? (last[name] - from[name]) / seconds : 0;
  };
  const ratio = (part, whole) => {
    const last = history.at(-1);
    const from = since(whole);
    const n = last[whole] - from[whole];
    return n ? Math.max(0, Math.min(1, (last[part] - from[part]) / n)) : null;
  };

  const take = () => {
    const bytes = model.get("frame");
    if (!bytes?.byteLength) return;
    own.heard();
    const next = parse(bytes);
    // The threads have stopped, but the vCPU stands where the freeze met it.
    if (next.frozen && !next.vcpu_state) next.vcpu_state = next.control & 1n ? 2 : 3;
    if (history.length && next.elapsed_ns < history.at(-1).elapsed_ns) clear();
    history.push(next);
    while (history.length > 2 && next.elapsed_ns - history[0].elapsed_ns > 5e9) history.shift();
    if (next.vcpu_state) states.push(next.vcpu_state);
    if (states.length > 90) states.shift();
    waiting.push(next);
    if (waiting.length > 2) waiting.shift();
    draw();
  };

  const drawBits = (moving) => {
    const fade = moving ? 0.3 : 1;
    for (let bit = 0; bit < 64; bit++) glow[bit] += fade * (Number((shot.control >> BigInt(bit)) & 1n) - glow[bit]);
    if (moving) for (let bit = 0; bit < 64; bit++) glow[bit] = glow[bit] < 0.03 ? 0 : glow[bit] > 0.97 ? 1 : glow[bit];
    grid.light(shot.control, glow);
    const [ctx, width] = clean(pir);
    const cell = width / 16;
    ctx.fillStyle = css("--line");
    for (let vector = 0; vector < 256; vector++) {
      const set = Number((shot.pir[vector >> 6] >> BigInt(vector & 63)) & 1n);
      pirGlow[vector] += fade * (set - pirGlow[vector]);
      ctx.globalAlpha = 0.55;
      ctx.fillRect((vector & 15) * cell + 0.5, (vector >> 4) * cell + 0.5, cell - 1, cell - 1);
    }
    ctx.fillStyle = pirColour;
    for (let vector = 0; vector < 256; vector++) {
      if (pirGlow[vector] < 0.02) continue;
      ctx.globalAlpha = 0.15 + 0.85 * pirGlow[vector];
      ctx.fillRect((vector & 15) * cell + 0.5, (vector >> 4) * cell + 0.5, cell - 1, cell - 1);
    }
  };

  const bits = (control, field) =>
    (control >> BigInt(field.first - 256)) & ((1n << BigInt(field.last - field.first + 1)) - 1n);

  const showCompare = () => {
    const { focus, culprit } = shown ?? {};
    // A store that overwrote a post does not know what it overwrote; the post does.
    const blind = focus?.kind === "damage" && !(focus.old & 1n);
    const memory = blind ? (culprit?.new ?? focus.seen) : focus?.seen;
    const texts = [
      "old: as read",
      blind ? "memory: overwritten" : "memory: as found",
      focus?.kind === "failed" ? "new: not written" : "new: written",
    ];
    words.forEach(({ name, value, parts, row }, index) => {
      const control = focus && (row === "memory" ? memory : focus[row]);
      write(name, say(texts[index]));
      write(value, focus ? hex(control) : "");
      name.title = value.textContent;
      for (const { field, part } of parts) {
        const width = field.last - field.first + 1;
        const own = focus && bits(control, field);
        write(part, focus ? `${field.name.toUpperCase()} ${width === 1 ? own : own.toString(16).padStart(2, "0")}` : "");
        part.classList.toggle("differs", Boolean(focus) && own !== bits(focus.old, field));
      }
    });
  };

  const tellStory = () => {
    if (!shown) return write(story, say("No attempt has been recorded yet."));
    const { focus, culprit } = shown;
    const ns = (time) => grouped.format(time - focus.begin).replace("-", "−");
    const values = { end: ns(focus.end) };
    if (culprit) {
      values.who = threadName(culprit.thread);
      values.from = ns(culprit.begin || culprit.end);
      values.to = ns(culprit.end);
    }
    const parts = [];
    if (model.get("status") === "frozen" && focus.kind !== "damage") {
      parts.push(say("ON was lost, but the log no longer holds the update that did it. Start goes on to the next damage."));
    } else if (!isBad(focus.kind)) {
      parts.push(say("At 0 ns the vCPU read control; by {end} ns it had written it. Control did not change in between.", values));
    } else {
      parts.push(
        culprit
          ? say("At 0 ns the vCPU read control. Between {from} and {to} ns {who} set ON.", values)
          : say("At 0 ns the vCPU read control. Then another thread changed it."),
      );
      if (focus.kind === "failed")
        parts.push(say("By {end} ns cmpxchg had found a value other than old: it wrote nothing, and the loop tried again.", values));
      else {
        parts.push(
          focus.old & 1n
            ? say("new came from a read before that, old from a read after it: cmpxchg succeeded and erased ON.", values)
            : say("By {end} ns the store had put ON=0 over it: this notification is lost.", values),
        );
        parts.push(
          ((focus.new >> 16n) & 0xffn) === 0xf1n
            ? say("The vCPU was about to block: it sleeps with an interrupt pending, until the next post.")
            : say("The vCPU was about to run: the interrupt will be late."),
        );
      }
    }
    if (focus.end - focus.begin > 100_000 + model.get("delay_cycles"))
      parts.push(say("It took so long because the operating system ran something else on this core."));
    write(story, parts.join(root.lang === "en" ? " " : ""));
  };

  /** Lanes around the collision, 0 at its read. */
  const drawLanes = () => {
    const [ctx, width, height] = clean(lanes);
    const em = css("em");
    const ink = css("--ink-1");
    const faint = css("--ink-2");
    const axis = 2 * em;
    const left = 4.2 * em;
    const inner = width - left - 0.8 * em;
    const posters = Math.max(model.get("posters"), ...(shown?.events ?? []).map((event) => event.thread));
    const rows = 1 + posters;
    const gap = (height - axis) / rows;
    const tall = Math.min(gap * 0.5, 2.1 * em);
    // the first has words above it
    const middle = (thread) => (thread ? gap * (thread + 0.5) : Math.max(gap / 2 + 0.4 * em, tall / 2 + 1.3 * em));
    ctx.font = `${0.92 * em}px ${css("--words")}`;
    ctx.textBaseline = "middle";
    ctx.textAlign = "left";
    for (let thread = 0; thread < rows; thread++) {
      ctx.fillStyle = ink;
      ctx.fillText(threadName(thread), 0, middle(thread));
      ctx.fillStyle = css("--line");
      ctx.fillRect(left, middle(thread) - 0.5, inner, 1);
    }
    if (!shown) return;
    const { focus, next, culprit, events } = shown;
    const length = focus.end - focus.begin;
    let from = Math.min(focus.begin, culprit?.begin || focus.begin);
    let to = Math.max(focus.end, culprit?.end ?? 0);
    if (next && next.end - to < 3 * length + 200) to = Math.max(to, next.end);
    const pad = 0.06 * (to - from) + 5;
    from -= pad;
    to += pad;
    const x = (time) => left + ((time - from) / (to - from)) * inner;

    // time axis
    const rough = (to - from) / Math.max(3, inner / (6 * em));
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].find((n) => n * power >= rough) * power;
    ctx.textAlign = "center";
    let free = 0; // where the next number may begin
    for (let nth = Math.ceil((from - focus.begin) / step); nth * step <= to - focus.begin; nth++) {
      const tick = nth * step || 0;
      ctx.fillStyle = css("--line");
      ctx.fillRect(x(focus.begin + tick), 0, 1, height - axis);
      ctx.fillStyle = faint;
      const text = grouped.format(tick).replace("-", "−") + (tick === 0 ? " ns" : "");
      const half = ctx.measureText(text).width / 2;
      const at = Math.min(x(focus.begin + tick), width - half);
      if (at - half < free) continue;
      ctx.fillText(text, at, height - axis / 2);
      free = at + half + 0.5 * em;
    }

    // the read–write interval of the collision, through every lane
    ctx.fillStyle = isBad(focus.kind) ? onColour : colours.vCPU;
    ctx.globalAlpha = 0.12;
    ctx.fillRect(x(focus.begin), 0, x(focus.end) - x(focus.begin), height - axis);
    ctx.globalAlpha = 1;

    ctx.save();
    ctx.beginPath();
    ctx.rect(left, 0, inner + 0.7 * em, height - axis);
    ctx.clip();
    for (const event of events) {
      const begin = event.begin || event.end;
      if (event.end < from || begin > to) continue;
      const a = x(begin);
      const b = Math.max(x(event.end), a + 2);
      const y = middle(event.thread);
      const bad = isBad(event.kind);
      const hollow = event.kind === "failed" || event.kind === "coalesced";
      ctx.beginPath();
      ctx.rect(a, y - tall / 2, b - a, tall);
      ctx.fillStyle = hollow ? css("--paper") : event.thread === 0 ? (event.kind === "damage" ? onColour : colours.vCPU) : colours.poster;
      ctx.fill();
      if (bad) {
        // hatched, so that colour is not the only sign
        ctx.save();
        ctx.clip();
        ctx.strokeStyle = event.kind === "damage" ? inkOn(onColour) : onColour;
        ctx.globalAlpha = 0.55;
        ctx.beginPath();
        for (let line = a - tall; line < b; line += 0.55 * em) {
          ctx.moveTo(line, y + tall / 2);
          ctx.lineTo(line + tall, y - tall / 2);
        }
        ctx.stroke();
        ctx.restore();
      }
      ctx.lineWidth = bad ? 2 : 1;
      ctx.strokeStyle = event.kind === "failed" ? onColour : ink;
      ctx.strokeRect(a, y - tall / 2, b - a, tall);
      ctx.lineWidth = 1;
    }

    // words at the events that matter
    const tag = (text, at, y, align = "center", colour = ink) => {
      ctx.textAlign = align;
      const wide = ctx.measureText(text).width;
      const shift = align === "left" ? 0 : align === "right" ? wide : wide / 2;
      const low = Math.max(left + 2, Math.min(at - shift, left + inner - wide));
      ctx.textAlign = "left";
      ctx.fillStyle = css("--paper");
      ctx.globalAlpha = 0.9;
      ctx.fillRect(low - 2, y - 0.6 * em, wide + 4, 1.2 * em);
      ctx.globalAlpha = 1;
      ctx.fillStyle = colour;
      ctx.fillText(text, low, y);
    };
    const above = middle(0) - tall / 2 - 0.75 * em;
    const result = { failed: "✗ failed", damage: "✗ ON lost", update: "✓ written", retry: "✓ written", store: "✓ written" };
    const room = x(focus.end) - x(focus.begin);
    if (room > 9 * em) tag(say("read"), x(focus.begin), above, "left");
    tag(say(result[focus.kind]), room > 9 * em ? x(focus.end) : (x(focus.begin) + x(focus.end)) / 2, above, room > 9 * em ? "right" : "center");
    if (next && next.end < to && x(next.end) - x(next.begin) > 2 * em) {
      const y = middle(0) + tall / 2 + 0.75 * em;
      tag(say(next.kind === "retry" ? "✓ tried again" : result[next.kind]), (x(next.begin) + x(next.end)) / 2, y);
    }
    if (culprit) {
      const y = middle(culprit.thread);
      // somewhere in both intervals it happened
      const at = (x(Math.max(culprit.begin, focus.begin)) + x(Math.min(culprit.end, focus.end))) / 2;
      ctx.strokeStyle = onColour;
      ctx.lineWidth = 2;
      ctx.setLineDash([4, 3]);
      ctx.beginPath();
      ctx.moveTo(at, y - tall / 2);
      ctx.lineTo(at, middle(0) + tall / 2);
      ctx.stroke();
      ctx.setLineDash([]);
      ctx.lineWidth = 1;
      const words = say("post: ON 0 → 1");
      const wide = ctx.measureText(words).width;
      const [begin, end] = [x(culprit.begin || culprit.end) - 0.5 * em, x(culprit.end) + 0.5 * em];
      const below = y + tall / 2 + 0.75 * em;
      if (end + wide < left + inner) tag(words, end, y, "left");
      else if (begin - wide > left) tag(words, begin, y, "right");
      else tag(words, (begin + end) / 2, below + 0.6 * em < height - axis ? below : y - tall / 2 - 0.75 * em);
    }
    ctx.restore();
  };

  const drawChart = ({ canvas, points, colour, now }) => {
    const [ctx, width, height] = clean(canvas);
    const em = css("em");
    const left = 3.4 * em;
    const top = 0.6 * em;
    const bottom = height - 1.5 * em;
    const inner = width - left - 0.3 * em;
    const most = Math.max(0, ...points.map(({ value }) => value ?? 0));
    const full = most > 0.1 ? 1 : most > 0.01 ? 0.1 : 0.01;
    const end = shot.elapsed_ns;
    const x = (time) => left + ((time - end + SPAN_NS) / SPAN_NS) * inner;
    const y = (value) => bottom - (value / full) * (bottom - top);
    ctx.font = `${0.85 * em}px ${css("--words")}`;
    ctx.textBaseline = "middle";
    for (const part of [0, 0.5, 1]) {
      ctx.fillStyle = css("--line");
      ctx.fillRect(left, Math.round(y(part * full)), inner, 1);
      ctx.fillStyle = css("--ink-2");
      ctx.textAlign = "right";
      ctx.fillText(`${part * full * 100} %`, left - 0.4 * em, y(part * full));
    }
    ctx.textAlign = "left";
    ctx.fillText(say("{n} s ago", { n: 30 }), left, height - 0.6 * em);
    ctx.textAlign = "right";
    ctx.fillText(say("now"), left + inner, height - 0.6 * em);
    ctx.strokeStyle = css("--ink-2");
    ctx.setLineDash([2, 3]);
    for (const mark of marks) {
      if (x(mark) < left) continue;
      ctx.beginPath();
      ctx.moveTo(x(mark), top);
      ctx.lineTo(x(mark), bottom);
      ctx.stroke();
    }
    ctx.setLineDash([]);
    ctx.strokeStyle = colour;
    ctx.fillStyle = colour;
    ctx.lineWidth = 2;
    const line = points.filter(({ value, time }) => value !== null && x(time) >= left);
    if (line.length) {
      ctx.beginPath();
      line.forEach(({ time, value }, index) => ctx[index ? "lineTo" : "moveTo"](x(time), y(value)));
      ctx.stroke();
      ctx.lineTo(x(line.at(-1).time), bottom);
      ctx.lineTo(x(line[0].time), bottom);
      ctx.globalAlpha = 0.18;
      ctx.fill();
      ctx.globalAlpha = 1;
    }
    const last = points.at(-1)?.value;
    write(now, last == null ? "–" : `${(100 * last).toFixed(last < 0.0995 ? 2 : 1)} %`);
  };

  const drawText = () => {
    write(word, hex(shot.control));
    grid.tell(shot.control);
    for (const { name, rate: fast, total } of cards) {
      write(fast, say("{n}/s", { n: short(rate(name)) }));
      write(total, grouped.format(shot[name]));
    }
    const on = shot.control & 1n;
    const pending = shot.pir.reduce((sum, part) => sum + part.toString(2).replaceAll("0", "").length, 0);
    write(bell.words, say(on ? "ON = 1" : "ON = 0"));
    write(bell.more, say(on ? "a notification is under way" : "no notification is under way"));
    bell.picture.classList.toggle("lit", on === 1n);
    write(mail.words, say("{n} of 256 in PIR", { n: pending }));
    write(mail.more, say(pending ? "interrupts pending" : "nothing pending"));
    mail.picture.classList.toggle("lit", pending > 0);
    const [state, meaning] = VCPU[shot.vcpu_state];
    write(chip.words, say("vCPU: {state}", { state: say(state) }));
    write(chip.more, say(meaning));
    chip.picture.dataset.state = shot.vcpu_state;
    const parts = [1, 2, 3].map((one) => states.filter((state) => state === one).length);
    [...share.children].forEach((bar, index) => (bar.style.flexGrow = parts[index]));
    const [a, b, c] = parts.map((part) => Math.round((100 * part) / Math.max(states.length, 1)));
    write(shares, say("vCPU, last 3 s: {a} % running, {b} % blocked, {c} % asleep", { a, b, c }));
    const time = { time: shot.elapsed_ns, value: ratio("retries", "updates") };
    if (shot.elapsed_ns !== retryChart.points.at(-1)?.time) {
      retryChart.points.push(time);
      lostChart.points.push({ time: shot.elapsed_ns, value: ratio("lost", "notifications") });
    }
    for (const { points } of [retryChart, lostChart])
      while (points.length && shot.elapsed_ns - points[0].time > SPAN_NS) points.shift();
    drawChart(retryChart);
    drawChart(lostChart);
  };

  const draw = drawing(() => {
    shot = waiting.shift() ?? shot;
    if (!shot || !easels.ready()) return;
    if (waiting.length) draw();
    const now = performance.now();
    const moving = model.get("status") === "running";
    const pace = still.matches && moving ? 500 : 0;
    if (now - lastMove >= pace) {
      lastMove = now;
      drawBits(moving && !still.matches);
    }
    if (!moving || now - lastText >= Math.max(100, pace)) {
      lastText = now;
      drawText();
    }
    if (!moving || now - shownAt >= HOLD_MS) {
      shownAt = now;
      const latest = collision(shot.events);
      // A success does not push a collision off the stage.
      if (latest && (!shown || isBad(latest.focus.kind) || !isBad(shown.focus.kind))) shown = latest;
      write(stage, say(shown && isBad(shown.focus.kind) ? "The latest collision" : "The latest update"));
      write(when, shown ? say("{s} s after the start", { s: (shown.focus.begin / 1e9).toFixed(6) }) : "");
      drawLanes();
      tellStory();
      showCompare();
    }
    root.dataset.sequence = shot.sequence;
  });

  const showStatus = () => {
    const status = model.get("status");
    const racing = status === "running";
    root.dataset.status = status;
    write(own.state, say(STATES[status]));
    write(start, say(racing ? "Stop" : "Start"));
    start.dataset.does = racing ? "stop" : "start";
    start.title = say(racing ? "Stop the threads; the counters stay" : "Start the vCPU and the posters on native threads");
    story.setAttribute("aria-live", status === "frozen" ? "polite" : "off");
    redraw();
  };
  own.follow(showStatus);
  model.on("change:status", showStatus);

  own.on("frame", take);
  return () => {
    own.close();
    easels.close();
  };
}

export default { render };
