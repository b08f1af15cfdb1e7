// The way the picture travelled during the exposure: dots are the moments that were averaged, dark at first and light at last.

const SHAKE_SIDE = 200; // units of the drawing
const SHAKE_FEW = 40; // up to so many stops are drawn as dots, more as a line

function shakePreview(another) {
  const drawing = svgElement("svg", { viewBox: `${-SHAKE_SIDE / 2} ${-SHAKE_SIDE / 2} ${SHAKE_SIDE} ${SHAKE_SIDE}`, role: "img", class: "shake" });
  const caption = element("figcaption");
  const button = element("button", { type: "button", onclick: another }, "Another shake");
  const node = element("figure", { class: "direct" }, drawing, caption, button);

  function showTruth(facts) {
    const path = facts.find((one) => one.path)?.path;
    if (path) draw(path);
  }

  function draw(path) {
    const ends = path.map(([row, column]) => Math.max(Math.abs(row), Math.abs(column)));
    const reach = Math.max(4, Math.ceil(Math.max(...ends) + 1));
    const zoom = SHAKE_SIDE / 2 / reach; // units per picture pixel
    const every = reach > 16 ? 5 : 1;
    const points = path.map(([row, column]) => [column * zoom, row * zoom]);
    const few = points.length <= SHAKE_FEW;
    const share = (i) => i / Math.max(1, points.length - 1);
    const track = svgElement("polyline", { class: "track", points: points.map((point) => point.join(",")).join(" ") });
    const pieces = points.slice(1).map((point, i) => segment(points[i], point, timeColour(share(i))));
    const dots = points.map(([cx, cy], i) => svgElement("circle", { cx, cy, r: 4, fill: timeColour(share(i)) }));
    drawing.replaceChildren(...gridLines(reach, every, zoom), ...(few ? [track, ...dots] : pieces), startMark(points[0]));
    const much = points.length === 1 ? "1 frame: nothing moves." : `${points.length} frames averaged${few ? ", each leaves its own ghost" : ""}.`;
    caption.textContent = `${much} One square is ${every === 1 ? "one pixel" : `${every} pixels`}.`;
    drawing.setAttribute("aria-label", `Path of the shake: ${caption.textContent}`);
  }

  return { node, refresh: () => {}, showTruth };
}

function gridLines(reach, every, zoom) {
  const half = SHAKE_SIDE / 2;
  const places = [];
  for (let at = -reach - (-reach % every); at <= reach; at += every) places.push(at * zoom);
  return places.flatMap((at) => [
    svgElement("line", { class: "rule", x1: at, x2: at, y1: -half, y2: half }),
    svgElement("line", { class: "rule", x1: -half, x2: half, y1: at, y2: at }),
  ]);
}

function segment([x1, y1], [x2, y2], stroke) {
  return svgElement("line", { class: "piece", x1, y1, x2, y2, stroke });
}

function startMark([x, y]) {
  const half = SHAKE_SIDE / 2;
  const anchor = x > half - 40 ? "end" : "start";
  const beside = anchor === "end" ? x - 7 : x + 7;
  return svgElement("text", { class: "start", x: beside, y: y < 20 - half ? y + 18 : y - 10, "text-anchor": anchor }, "start");
}

/** Blue at 0 to yellow-green at 1, by way of teal (stops of viridis): its lightness rises, so it reads without colours too. */
function timeColour(share) {
  const stops = [
    [59, 82, 139],
    [33, 145, 140],
    [94, 201, 98],
    [200, 224, 32],
  ];
  const at = clamp(share, 0, 1) * (stops.length - 1);
  const low = Math.min(Math.floor(at), stops.length - 2);
  const mixed = stops[low].map((value, i) => Math.round(value + (at - low) * (stops[low + 1][i] - value)));
  return `rgb(${mixed.join(" ")})`;
}
