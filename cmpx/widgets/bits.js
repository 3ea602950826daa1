// A word or a descriptor, bit by bit: shown as memory holds it, edited by cmpxchg against what is shown.

function render(context) {
  const { model } = context;
  const own = front(context, "bits", "Bits", 200);
  const { root, say } = own;
  const rows = model.get("rows");
  own.title.append(" ", h("code", {}, rows.length > 1 ? "pi_desc" : rows[0].name));
  const fields = model.get("fields");
  const shown = rows.map(() => 0n);

  const owner = h("p.owner");
  const fieldOf = (bit) => (rows.length > 1 ? fields.find((field) => field.first <= bit && bit <= field.last) : null);
  const describe = (bit) => {
    const field = fieldOf(bit);
    if (!field) return say("Bit {bit} = {weight}", { bit, weight: hex(1n << BigInt(bit), 1) });
    const words = { bit, name: field.name.toUpperCase(), meaning: own.in(field.meaning), writer: own.in(field.writer) };
    if (field.name.startsWith("rsvd")) return say("Bit {bit} is reserved.", words);
    if (field.name === "pir") return say("Vector {vector}: {meaning}. Written by: {writer}.", { ...words, vector: hex(bit, 2) });
    return say("Bit {bit}, {name}: {meaning}. Written by: {writer}.", words);
  };
  let pointed = null;
  const point = (bit) => {
    pointed = bit;
    write(owner, bit === null ? say("Point at a bit, or move to it with the arrow keys, to see whose it is.") : describe(bit));
  };
  own.follow(() => point(pointed));

  // --- edits
  const story = h("p.story", { role: "status" });
  const compare = ["old", "seen", "new"].map((part) => {
    const name = h("span.what");
    const value = h("code");
    return { part, name, value, node: h("div.compare", {}, name, value) };
  });
  let last = null;
  const tell = () => {
    if (!last)
      return write(
        story,
        say("Click a bit, or type a hexadecimal number and press Enter. Every edit is one cmpxchg against the value shown."),
      );
    const done = last.seen === last.old;
    const digits = rows[last.row].bits / 4;
    const texts = ["old: as shown", "memory: as found", done ? "new: written" : "new: not written"];
    compare.forEach(({ part, name, value }, index) => {
      write(name, say(texts[index]));
      const text = hex(last[part], digits);
      const base = hex(last.old, digits);
      value.replaceChildren(...[...text].map((digit, at) => (digit === base[at] ? digit : h("mark", {}, digit))));
    });
    const words = { seen: hex(last.seen, digits), old: hex(last.old, digits) };
    write(
      story,
      done
        ? say("✓ Memory held the value shown: cmpxchg wrote the new one.")
        : say(
            "✗ Memory had changed since it was shown: cmpxchg found {seen}, not {old}, and wrote nothing. You now see the new value: decide again.",
            words,
          ),
    );
    story.classList.toggle("failed", !done);
  };
  own.follow(tell);
  const edit = (row, old, value) => own.send("edit", { row, old: hex(old), new: hex(value) });
  model.on("msg:custom", (message) => {
    if (!("edited" in message)) return;
    last = { row: message.edited, old: BigInt(message.old), new: BigInt(message.new), seen: BigInt(message.seen) };
    tell();
  });

  // --- the words
  const cells = [];
  const cellOf = (row) => (bit) => {
    const node = h("button.bit", {
      type: "button",
      tabindex: cells.length ? -1 : 0,
      onclick: () => edit(row, shown[row], shown[row] ^ (1n << BigInt(bit - rows[row].first))),
      onpointerenter: () => point(bit),
      onpointerleave: () => point(null),
      onfocus: () => {
        cells.forEach((cell) => (cell.tabIndex = -1));
        node.tabIndex = 0;
        point(bit);
      },
      onblur: () => point(null),
    });
    cells.push(node);
    own.follow(() => node.setAttribute("aria-label", `${say("bit {bit}", { bit })} ${fieldOf(bit)?.name.toUpperCase() ?? ""}`));
    return node;
  };
  const plain = (row) => {
    const { bits, first } = rows[row];
    const own = [];
    const node = h("div.control");
    for (let high = bits; high > 0; high -= 32) {
      const low = Math.max(0, high - 32);
      const line = h("div.cells");
      for (let bit = high - 1; bit >= low; bit--) {
        const cell = cellOf(row)(first + bit);
        own[bit] = cell;
        line.append(cell);
        if (bit % 4 === 0) cell.classList.add("nibble");
      }
      const ends = h("div.ends", {}, h("span", {}, String(first + high - 1)), h("span", {}, String(first + low)));
      node.append(h("div.field", { style: `max-width: ${(high - low) * 1.7}em` }, line, ends));
    }
    return { node, light: lightUp(own) };
  };
  const inputs = rows.map(({ name, bits }, row) => {
    const input = h("input.hex", { type: "text", spellcheck: "false", autocomplete: "off", size: bits / 4 + 2 });
    let base = 0n; // what was shown when the reader began to type
    input.addEventListener("focus", () => (base = shown[row]));
    input.addEventListener("blur", () => (input.value = hex(shown[row], bits / 4)));
    input.addEventListener("keydown", (event) => {
      if (event.key === "Escape") input.blur();
      if (event.key !== "Enter") return;
      const text = input.value.trim().replace(/^0x/i, "").replaceAll("_", "");
      if (/^[0-9a-f]+$/i.test(text) && text.length <= bits / 4) {
        edit(row, base, BigInt("0x" + text));
        input.blur();
      } else {
        write(story, say("{text} is no hexadecimal number of at most {digits} digits: nothing was written.", { text: input.value, digits: bits / 4 }));
        story.classList.add("failed");
      }
    });
    own.follow(() => {
      input.title = say("Hexadecimal value of {name}", { name });
      input.setAttribute("aria-label", input.title);
    });
    return input;
  });
  const pir = fields.find((field) => field.name === "pir");
  const grids = rows.map(({ name }, row) => {
    const grid = name === "control" ? controlGrid(own, fields.filter((field) => field.control), cellOf(row)) : plain(row);
    const label = h("label", {}, h("code", {}, name), inputs[row]);
    const colour = rows.length > 1 ? pir.colour : "#56b4e9";
    return { ...grid, box: h("div.row." + (name === "control" ? "wide" : "plain"), { style: `--colour: ${colour}; --ink: ${inkOn(colour)}` }, label, grid.node) };
  });

  root.append(
    h("div.rows", {}, ...grids.map(({ box }) => box)),
    owner,
    h("div.panel.edit", {}, story, h("div", {}, ...compare.map(({ node }) => node))),
  );
  if (model.local)
    root.append(
      own.label(h("p.owner"), "This page has no kernel behind it: nobody else writes here, and every cmpxchg finds the value shown."),
    );
  root.addEventListener("keydown", (event) => {
    const at = cells.indexOf(event.target);
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -32, ArrowDown: 32 }[event.key];
    if (at < 0 || !step) return;
    event.preventDefault();
    cells[at + step]?.focus();
  });

  let first = true;
  own.on("frame", () => {
    const bytes = model.get("frame");
    rows.forEach(({ bits }, row) => {
      const value = bytes.getBigUint64(8 * row, true);
      if (!first && value === shown[row]) return;
      shown[row] = value;
      grids[row].light(value);
      grids[row].tell?.(value);
      if (document.activeElement !== inputs[row]) inputs[row].value = hex(value, bits / 4);
    });
    first = false;
  });
  return own.close;
}

/** The grid in a page without a kernel: nobody else writes, so that each cmpxchg finds what it expects. */
function mount(el, { frame, ...traits }) {
  el.replaceChildren();
  const memory = new DataView(Uint8Array.from(frame.match(/../g), (byte) => parseInt(byte, 16)).buffer);
  const { get, on, send } = alone({ ...traits, frame: memory });
  const hearers = [];
  const model = {
    local: true,
    get,
    on: (event, run) => (event === "msg:custom" ? hearers.push(run) : on(event, run)),
    send(message) {
      if (message.do === "set") return send(message);
      let answer = { alive: true };
      if (message.do === "edit") {
        memory.setBigUint64(8 * message.row, BigInt(message.new), true);
        send({ do: "set", name: "frame", value: memory });
        answer = { edited: message.row, old: message.old, new: message.new, seen: message.old };
      }
      hearers.forEach((run) => run(answer));
    },
  };
  render({ model, el });
}

export default { render };
