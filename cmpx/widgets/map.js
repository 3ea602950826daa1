// The map of a state graph: many paths, few states. Failing ways and the point of no return are marked once one may look.

const MAP_MOST = 60;
const ENOUGH = 20; // between an edge and the middle of a node that it does not touch

const svg = (name, attributes = {}, ...children) => {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
};

/**
 * A panel with the states as dots. `now()` says where the run stands: { run, path, node, peek }, peek being whether what can
 * still happen may be shown; `visit` goes to a state.
 */
function stateMap({ own, machine, states, colour, now, visit }) {
  const { say, label } = own;
  const { nodes, processes } = machine;
  const map = svg("svg", { role: "group" });
  const title = h("small");
  const key = h("p.key");
  const panel = h("div.panel.map", {}, h("h4", {}, label(h("span"), "Map of the states"), title), map, key);
  label(map, null, { "aria-label": "Map of the states" });

  /** The nodes to draw: all, or those around the run. */
  const around = (path) => {
    if (nodes.length <= MAP_MOST) return nodes.map((_node, index) => index);
    // a set is walked on to what is added to it meanwhile
    const chosen = new Set(path.slice(-MAP_MOST / 3).reverse());
    for (const node of chosen)
      for (const [, target] of nodes[node].edges) if (target >= 0 && chosen.size < MAP_MOST) chosen.add(target);
    return [...chosen];
  };
  const drawMap = () => {
    const { run, path, node: current, peek } = now();
    const shown = around(path);
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
    const walked = new Set(path.slice(1).map((node, index) => `${path[index]} ${run[index]} ${node}`));
    const bad = (node) => peek && machine.doomed(node);
    /** How far to bend what does not lead to the next column, and to which side: free of the nodes on its way, if possible. */
    const bent = (a, b, dx, dy, most) => {
      const others = [...spots.values()].filter((spot) => spot !== a && spot !== b);
      const free = (bend) => {
        const way = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9].map((t) => {
          const [along, off] = [t * t * (3 - 2 * t), 3 * t * (1 - t) * bend];
          return [a.x + (b.x - a.x) * along + dx * off, a.y + (b.y - a.y) * along + dy * off];
        });
        return Math.min(ENOUGH, ...others.flatMap((spot) => way.map(([x, y]) => Math.hypot(x - spot.x, y - spot.y))));
      };
      const bends = [1, -1, 0.5, -0.5, 0.25, -0.25].map((part) => part * most);
      return bends.reduce((best, bend) => (free(bend) > free(best) ? bend : best));
    };
    const drawn = [];
    for (const from of shown)
      for (const [action, to] of nodes[from].edges) {
        if (!inside.has(to)) continue;
        const a = spots.get(from);
        const b = spots.get(to);
        const been = walked.has(`${from} ${action} ${to}`);
        const crossing = bad(to) && !bad(from);
        const kind = [been && "been", bad(to) && "bad", crossing && "crossing"].filter(Boolean).join(" ");
        const length = Math.hypot(b.x - a.x, b.y - a.y) || 1;
        const [dx, dy] = [(a.y - b.y) / length, (b.x - a.x) / length];
        const bend = b.x > a.x ? 0 : bent(a, b, dx, dy, Math.min(24, 0.4 * length));
        const d =
          from === to
            ? `M${a.x} ${a.y} c-36 -27 36 -27 0 0`
            : `M${a.x} ${a.y} C${a.x + dx * bend} ${a.y + dy * bend} ${b.x + dx * bend} ${b.y + dy * bend} ${b.x} ${b.y}`;
        drawn.push(svg("path", { d, class: kind, style: `--colour: ${colour[action % THREADS]}` }));
        if (crossing) {
          // the middle of such a curve is off by 3/4 of the bend, and runs as the straight line would
          const [x, y] = [(a.x + b.x) / 2 + dx * bend * 0.75, (a.y + b.y) / 2 + dy * bend * 0.75];
          drawn.push(svg("path", { d: `M${x - dx * 6} ${y - dy * 6} L${x + dx * 6} ${y + dy * 6}`, class: "gate" }));
        }
      }
    const been = new Set(path);
    for (const node of shown) {
      const { x, y } = spots.get(node);
      const end = machine.ended(node);
      const wrong = bad(node) && machine.finding(node) >= 0;
      const here = node === current;
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
      title,
      nodes.length > MAP_MOST
        ? say("{shown} of {states} states: the part around the run", {
            shown: shown.length,
            states: grouped.format(states),
          })
        : say("{states} states; click one to go there", { states: nodes.length }),
    );
    key.replaceChildren(
      ...[
        ["b", "◉", "you are here"],
        ...(peek
          ? [
              ["b.bad", "◆", "every continuation fails"],
              ["b.bad.ticks", "", "point of no return"],
            ]
          : [["b", "?", "what can still happen is shown after the game"]]),
      ].map(([element, mark, words]) => h("span", {}, h(element, {}, mark), " " + say(words))),
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
  return { panel, draw: drawMap };
}
