// The rounds of a listing, live: Python sends what was counted thirty times a second.

const STATES = {
  stopped: "stopped",
  running: "running",
  paused: "paused: nobody was looking",
  frozen: "ended",
};

function render(context) {
  const { model } = context;
  const own = front(context, "rounds", "Race a listing", 500);
  const { root, say, label } = own;

  const start = h("button.start", { type: "button", onclick: () => own.send(start.dataset.does) });
  const reset = label(h("button", { type: "button", onclick: () => own.send("reset") }), "Reset", {
    title: "Stop and set every counter to 0",
  });
  const card = (name, text, help) => {
    const value = h("b");
    const more = h("span.total");
    const node = label(h("div.card." + name, {}, label(h("span.what"), text), value, more), null, { title: help });
    return { value, more, node };
  };
  const rounds = card("rounds", "rounds", "Rounds that came to their end: INIT, all processes at once, FINALLY");
  const failing = card("lost", "failing rounds", "Rounds in which an EXPECT was false or a WARN fired");
  const what = card("why", "what failed", "The most frequent failure, and how often it came");
  const last = card("last", "last failing outcome", "The globals at the end of the last failing round that was seen");
  const stopped = h("p.note", { role: "alert", hidden: true });
  const bars = h("div.bars", { role: "list", tabindex: 0 });
  label(bars, null, { "aria-label": "Outcomes: the globals when all processes are done" });
  const same = h("p.same");
  root.append(
    h("div.controls", {}, start, reset, h("code", {}, model.get("listing")), h("small", {}, model.get("build"))),
    stopped,
    h("div.cards", {}, ...[rounds, failing, what, last].map(({ node }) => node)),
    h("div.panel", {}, label(h("h4"), "Outcomes: the globals when all processes are done"), bars, same),
    label(h("p.foot"), "A race can refute; only a full check can confirm."),
  );

  const rows = [];
  const row = (index) => {
    while (rows.length <= index) {
      const name = h("code.name");
      const bar = h("i");
      const count = h("b.count");
      const node = h("div.bar", { role: "listitem" }, name, h("span.track", {}, bar), count);
      rows.push({ name, bar, count, node });
      bars.append(node);
    }
    return rows[index];
  };

  let history = [];
  let drawnAt = 0;
  const draw = drawing(() => {
    const frame = JSON.parse(new TextDecoder().decode(model.get("frame")));
    const moving = model.get("status") === "running";
    const now = performance.now();
    if (moving && now - drawnAt < (still.matches ? 500 : 66)) return void setTimeout(draw, 70);
    drawnAt = now;
    if (frame.rounds < (history.at(-1)?.rounds ?? 0)) history = [];
    history.push({ rounds: frame.rounds, seconds: frame.seconds });
    while (history.length > 2 && frame.seconds - history[0].seconds > 1) history.shift();
    const passed = frame.seconds - history[0].seconds;
    const rate = passed > 0 ? (frame.rounds - history[0].rounds) / passed : frame.seconds ? frame.rounds / frame.seconds : 0;
    write(rounds.value, grouped.format(frame.rounds));
    write(rounds.more, say("{n}/s", { n: short(rate) }));
    write(failing.value, grouped.format(frame.failing));
    write(failing.more, frame.rounds ? `${((100 * frame.failing) / frame.rounds).toFixed(2)} %` : "–");
    write(what.value, frame.why || "–");
    what.value.title = frame.why;
    write(what.more, frame.why ? grouped.format(frame.times) : "");
    write(last.value, frame.last || "–");
    last.value.title = frame.last;
    stopped.hidden = !frame.stopped;
    write(stopped, frame.stopped);
    write(same, frame.rounds ? (frame.same ? say("in every round: {values}", { values: frame.same }) : "") : say("No round has been run yet. Press Start."));
    const shown = frame.others ? [...frame.outcomes, [say("others"), frame.others, 0]] : frame.outcomes;
    const most = Math.max(1, ...shown.map(([, count]) => count));
    shown.forEach(([name, count, bad], index) => {
      const one = row(index);
      one.node.hidden = false;
      write(one.name, name);
      one.bar.style.width = `${(100 * count) / most}%`;
      write(one.count, `${grouped.format(count)}${bad ? "  ✗" : ""}`);
      one.node.classList.toggle("failing", bad > 0);
    });
    rows.slice(shown.length).forEach(({ node }) => (node.hidden = true));
    root.dataset.rounds = frame.rounds;
  });

  const showStatus = () => {
    const status = model.get("status");
    root.dataset.status = status;
    write(own.state, say(STATES[status]));
    const racing = status === "running";
    write(start, say(racing ? "Stop" : "Start"));
    start.dataset.does = racing ? "stop" : "start";
    start.title = say(racing ? "Stop the threads; the counters stay" : "Race the processes on native threads, in a process of their own");
    draw();
  };
  own.follow(showStatus);
  model.on("change:status", showStatus);
  own.on("frame", draw);
  return own.close;
}

export default { render };
