// Shared by every widget: elements, labels in two languages, the heartbeat, words of 64 bits.

/** An element: h("div.box", { title: "…" }, ...children). */
function h(name, attributes = {}, ...children) {
  const [tag, ...classes] = name.split(".");
  const node = document.createElement(tag);
  node.className = classes.join(" ");
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (value !== false && value != null) node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children);
  return node;
}

const grouped = new Intl.NumberFormat("en");
const hex = (value, digits = 16) => "0x" + value.toString(16).padStart(digits, "0");

/** 123 → "123", 12345678 → "12.3 M": at most six characters. */
function short(value) {
  for (const [unit, size] of [["G", 1e9], ["M", 1e6], ["k", 1e3]])
    if (value >= size * 0.9995) return (value / size).toPrecision(3) + " " + unit;
  return value >= 99.95 || value === 0 ? value.toFixed(0) : value.toPrecision(2);
}

/** Changes a text only if it is another: the page is laid out again only then. */
function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Black or white, whichever reads better on this colour. */
function inkOn(colour) {
  const [r, g, b] = [1, 3, 5].map((i) => parseInt(colour.slice(i, i + 2), 16));
  return 0.299 * r + 0.587 * g + 0.114 * b > 140 ? "#000000" : "#ffffff";
}

const still = matchMedia("(prefers-reduced-motion: reduce)");

/** The frame of a widget: heading, language and size buttons. */
function frame({ model, el }, name, heading) {
  const texts = model.get("texts");
  const root = h("section." + "cmpx.cmpx-" + name);
  const followers = [];
  let language = model.get("language");
  const own = { root };

  own.say = (key, values = {}) => texts[language][key].replace(/\{(\w+)\}/g, (all, part) => values[part] ?? all);
  own.in = (both) => both[language];
  /** Runs now and at each change of the language. */
  own.follow = (run) => (followers.push(run), run());
  /** Gives an element its words: text, or the attributes named. */
  own.label = (node, text, attributes = {}) => {
    own.follow(() => {
      if (text) write(node, own.say(text));
      for (const [key, words] of Object.entries(attributes)) node.setAttribute(key, own.say(words));
    });
    return node;
  };
  own.send = (action, values = {}) => {
    try {
      model.send({ do: action, ...values });
    } catch {
      own.lost(); // the kernel that knew this widget is gone
    }
  };
  own.set = (key, value) => own.send("set", { name: key, value });
  own.on = (key, run) => (model.on("change:" + key, run), run());

  const translate = (to) => {
    language = to;
    root.lang = to === "zh" ? "zh-CN" : "en";
    followers.forEach((run) => run());
  };
  const other = h("button.quiet", {
    type: "button",
    onclick: () => {
      const to = language === "en" ? "zh" : "en";
      translate(to);
      own.set("language", to);
    },
  });
  other.title = "中文 / English";
  own.follow(() => {
    write(other, language === "en" ? "中文" : "English");
    other.lang = language === "en" ? "zh-CN" : "en";
  });
  model.on("change:language", () => model.get("language") !== language && translate(model.get("language")));

  const size = h("button.quiet", {
    type: "button",
    onclick: () => own.set("size", model.get("size") === "projector" ? "normal" : "projector"),
  });
  own.label(size, "Projector", { title: "Larger, for a projector" });
  own.on("size", () => {
    root.classList.toggle("projector", model.get("size") === "projector");
    size.setAttribute("aria-pressed", model.get("size") === "projector");
  });

  // JupyterLab has commands on plain keys, among them the arrows that move a slider.
  root.addEventListener("keydown", (event) => event.ctrlKey || event.metaKey || event.stopPropagation());

  own.title = h("h3", {}, own.label(h("span"), heading));
  own.label(root, null, { "aria-label": heading });
  own.state = h("span.state", { role: "status" });
  root.append(h("header", {}, own.title, own.state, size, other));
  translate(language);
  el.append(root);
  return own;
}

/** Traits without a kernel behind them: what the page sets, it hears, and nobody keeps it. */
function alone(traits) {
  const followers = {};
  return {
    get: (key) => traits[key],
    on: (event, run) => (followers[event] ??= []).push(run),
    send: ({ do: action, name, value }) => {
      if (action !== "set") return;
      traits[name] = value;
      followers["change:" + name]?.forEach((run) => run());
    },
  };
}

/** The frame of a widget with a kernel behind it: also a heartbeat. */
function front(context, name, heading, beatMs) {
  const { model } = context;
  const own = frame(context, name, heading);
  const { root } = own;
  const dead = own.label(
    h("p.dead", { role: "alert", hidden: true }),
    "The Jupyter kernel does not answer. If it was restarted, run this cell again.",
  );
  own.lost = () => (dead.hidden = false);
  root.append(dead);

  // Heartbeats only while somebody can see this; the kernel answers each one.
  let seen = false;
  let unanswered = 0;
  const observer = new IntersectionObserver(([entry]) => (seen = entry.isIntersecting));
  observer.observe(root);
  own.heard = () => {
    unanswered = 0;
    dead.hidden = true;
  };
  const beat = () => {
    if (!seen || document.visibilityState !== "visible") return void (unanswered = 0);
    if (++unanswered * beatMs >= 3000) dead.hidden = false;
    own.send("beat");
  };
  const timer = setInterval(beat, beatMs);
  model.on("msg:custom", own.heard);
  own.close = () => {
    clearInterval(timer);
    observer.disconnect();
  };
  return own;
}

/** Shows a word in its cells, lowest bit first; glow, from 0 to 1 for each bit, is how much of the time it was set. */
function lightUp(cells) {
  const drawn = [];
  return (word, glow) =>
    cells.forEach((cell, bit) => {
      const set = Number((word >> BigInt(bit)) & 1n);
      const light = glow ? Math.round(glow[bit] * 16) / 16 : set;
      const before = drawn[bit];
      if (before === light) return;
      drawn[bit] = light;
      cell.style.setProperty("--light", light);
      write(cell, light === 0 ? "0" : light === 1 ? "1" : "");
      cell.classList.toggle("lit", light > 0.5);
      if (cell.tagName !== "BUTTON") return;
      cell.setAttribute("aria-pressed", set === 1);
      if (before !== undefined && !still.matches)
        cell.animate({ boxShadow: ["0 0 0 0.25em var(--colour)", "0 0 0 0 transparent"] }, 700);
    });
}

/**
 * The fields of control as labelled cells: NDST above, the rest below, highest bit first as one writes a number.
 * Reserved bits are narrow. Returns the node, light(control, glow), and tell(control), which writes the values.
 */
function controlGrid(own, fields, cell) {
  const first = Math.min(...fields.map((field) => field.first));
  const cells = [];
  const values = [];
  const block = (field) => {
    const reserved = field.name.startsWith("rsvd");
    const width = field.last - field.first + 1;
    const value = h("b");
    const name = h("span.name", {}, reserved ? "" : field.name.toUpperCase() + " ", value);
    if (!reserved)
      values.push((control) => {
        const bits = (control >> BigInt(field.first - first)) & ((1n << BigInt(width)) - 1n);
        write(value, width === 1 ? String(bits) : hex(bits, width / 4));
      });
    const row = h("div.cells");
    for (let bit = field.last; bit >= field.first; bit--) {
      const node = cell(bit, field);
      cells[bit - first] = node;
      row.append(node);
    }
    const ends = width === 1 ? [field.last] : [field.last, field.first];
    const box = h(
      "div.field" + (reserved ? ".reserved" : "") + (width === 1 ? ".flag" : ""),
      { style: `--colour: ${field.colour}; --ink: ${inkOn(field.colour)}; --width: ${reserved ? width / 3 : width === 1 ? 3 : width}` },
      name,
      row,
      h("div.ends", {}, ...ends.map((end) => h("span", {}, String(end)))),
    );
    own.follow(() => (box.title = `${own.in(field.meaning)}\n${own.in(field.writer)}`));
    return box;
  };
  const highFirst = [...fields].sort((a, b) => b.first - a.first);
  const node = h(
    "div.control",
    {},
    h("div.word", {}, block(highFirst[0])),
    h("div.word", {}, ...highFirst.slice(1).map(block)),
  );
  const light = lightUp(cells);
  const tell = (control) => values.forEach((run) => run(control));
  return { node, light, tell };
}

/** Draws once for any number of requests before the next frame. */
function drawing(run) {
  let asked = 0;
  return () => {
    asked ||= requestAnimationFrame(() => {
      asked = 0;
      run();
    });
  };
}

/** Canvases as sharp as the screen. Sizes and colours are asked for when they change: asking in each frame would cost a layout. */
function easel(root, canvases, redraw) {
  const sizes = new Map();
  let colours = {};
  const look = () => {
    const style = getComputedStyle(root);
    for (const name of ["--paper", "--line", "--ink-1", "--ink-2", "--words"]) colours[name] = style.getPropertyValue(name).trim();
    colours.em = parseFloat(style.fontSize);
    redraw();
  };
  const resized = new ResizeObserver((entries) => {
    for (const { target, contentRect } of entries) if (contentRect.width) sizes.set(target, [contentRect.width, contentRect.height]);
    look();
  });
  canvases.forEach((canvas) => resized.observe(canvas));
  // JupyterLab hides the page for a moment while it changes the theme.
  const themed = new MutationObserver(() => setTimeout(look, 200));
  themed.observe(document.body, { attributeFilter: ["data-jp-theme-name"] });
  return {
    css: (name) => colours[name],
    /** An empty canvas: its context, and its width and height in CSS pixels. */
    clean(canvas) {
      const [width, height] = sizes.get(canvas);
      const ratio = devicePixelRatio;
      if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
        canvas.width = Math.round(width * ratio);
        canvas.height = Math.round(height * ratio);
      }
      const context = canvas.getContext("2d");
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      context.clearRect(0, 0, width, height);
      return [context, width, height];
    },
    ready: () => sizes.size === canvases.length,
    close() {
      resized.disconnect();
      themed.disconnect();
    },
  };
}
