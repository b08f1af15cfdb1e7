// The path of a picture through the levels: the steps of the walk, what is said at each, and the levels with their switches.

/** The path of a picture: every patch of a level is looked at, then all are joined; at the end, the result. */
function walk(path) {
  const patches = ({ level, rows, columns }) => Array.from({ length: rows * columns }, (_, patch) => ({ level, patch: rows * columns > 1 ? patch : null, view: "handed" }));
  const levels = path.flatMap((step) => [...patches(step), { level: step.level, patch: null, view: "found" }]);
  return [...levels, { level: path.at(-1).level, patch: null, view: "result" }];
}

function sentence({ level, rows, columns }, seen, lit, levels) {
  const count = rows * columns;
  if (lit !== null) return `Level ${level} looks at patch ${lit} of its batch (0 to ${count - 1}), and sees nothing else`;
  if (seen === "result") return `The result, ${levels.includes(1) ? "what level 1 says" : "with level 1 silenced"}`;
  if (seen === "found") return levels.includes(level) ? `Level ${level} has found this, joined` : `Level ${level} is silenced: it finds nothing`;
  const cut = count > 1 ? `${rows} × ${columns} patches` : "the whole";
  return `Level ${level} is handed ${cut}`;
}

/** A level of the path: its name chooses it, the switch below silences it. */
function levelColumn({ level, rows, columns }, onPick, onSwitch) {
  const count = rows * columns;
  const name = element("button", { type: "button", class: "step", onclick: onPick }, element("strong", {}, `level ${level}`), element("small", {}, count > 1 ? `${rows} × ${columns} patches` : "the whole"));
  const [state, worth] = [element("span"), element("small")];
  const toggle = element("button", { type: "button", class: "level", onclick: onSwitch }, state, worth);
  const node = element("div", { class: "station" }, name, toggle);

  function show(chosen, levels, value, judged) {
    const on = levels.includes(level);
    const words = effect(on, value, judged);
    name.setAttribute("aria-pressed", level === chosen);
    toggle.setAttribute("aria-pressed", on);
    toggle.setAttribute("aria-label", `Level ${level} is ${on ? "on" : "silenced"}. Pressing turns it ${words}`);
    state.textContent = on ? "on" : "silenced";
    worth.textContent = words;
  }

  return { node, level, show };
}
