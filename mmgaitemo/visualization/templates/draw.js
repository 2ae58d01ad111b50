"use strict";
// Draws the walks of the page's data block. No libraries, no requests. "Body" axes are (to the walker's right, up, to
// the back), after the matrix "axes" of a walk; "eye" axes are (right, up, towards the viewer).

const data = JSON.parse(document.getElementById("data").textContent);
const byId = (name) => document.getElementById(name);
const state = {
  walk: null,
  moment: 0, // in frames, with fractions
  playing: false,
  speed: 1,
  turn: 0, // turn and tilt: radians added to the angles of the walk's first picture
  tilt: 0,
  zoom: 1,
  follow: true,
  joint: -1, // the one that is named
  panels: [],
};
const joints = data.joints.map((_, joint) => joint);
const partOf = joints.map((joint) => data.parts.find((part) => part.joints.includes(joint)));
const plain = (name) => name.replaceAll("_", " ");
const frameNow = () => Math.min(Math.floor(state.moment), state.walk.frames - 1);
const dots = () => window.devicePixelRatio || 1;
let theme = {}; // the colours of the style sheet, which depend on whether the page is dark

function readTheme() {
  const style = getComputedStyle(document.documentElement);
  for (const name of ["ground", "panel", "ink", "muted", "line", "grid", "accent", "removed"])
    theme[name] = style.getPropertyValue(`--${name}`).trim();
}

function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

// ---- Data

function floats(text) { // base64 of little-endian float32, which is the byte order of the machines that have browsers
  return new Float32Array(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer);
}

function decode(walk, view) { // positions in body axes; NaN stays NaN: the joint is masked
  const from = floats(view.positions), path = floats(view.path), a = walk.axes;
  const positions = new Float32Array(from.length);
  for (let i = 0; i < from.length; i += 3)
    for (let row = 0; row < 3; row++)
      positions[i + row] = a[3 * row] * from[i] + a[3 * row + 1] * from[i + 1] + a[3 * row + 2] * from[i + 2];
  const removed = [];
  for (let frame = 0; frame < walk.frames; frame++) removed.push(missing(positions, frame).size === joints.length);
  const [right, back] = [0, 2].map((axis) => path.filter((_, i) => i % 3 === axis).sort()), last = walk.frames - 1;
  return {
    positions, path, removed,
    centre: [(right[0] + right[last]) / 2, (back[0] + back[last]) / 2],
    travel: Math.max(right[last] - right[0], back[last] - back[0]) / 2,
  };
}

function missing(positions, frame) { // the set of masked joints
  return new Set(joints.filter((joint) => Number.isNaN(positions[3 * (frame * joints.length + joint)])));
}

function missingNames(gone) { // whole parts by the name of the part
  const names = data.parts.map((part) => {
    if (part.joints.every((joint) => gone.has(joint))) return plain(part.name);
    return part.joints.filter((joint) => gone.has(joint)).map((joint) => plain(data.joints[joint]));
  });
  return names.flat().join(", ");
}

// ---- Camera

function projector(panel) { // from body axes to [x, y, depth, pixels of a unit]; what is looked at is in the middle
  const { walk } = state, { path, centre, travel } = panel.shown, frame = frameNow();
  const follow = state.follow || !data.ground;
  const [right, back] = follow ? [path[3 * frame], path[3 * frame + 2]] : centre;
  const way = follow ? 0 : travel; // to either side of the middle
  const turn = walk.azimuth + state.turn, tilt = walk.elevation + state.tilt;
  const [cosTurn, sinTurn, cosTilt, sinTilt] = [Math.cos(turn), Math.sin(turn), Math.cos(tilt), Math.sin(tilt)];
  // Three panels on a phone are narrow: there the body fills them, and an arm that was thrown far out leaves.
  const wide = (0.52 * panel.width + 35) / (walk.size + way);
  const high = (0.42 * panel.height) / (walk.size + way * Math.abs(sinTilt));
  const scale = Math.min(wide, high) * state.zoom;
  const far = 7 * (walk.size + way); // of the eye: a mild perspective tells near from far
  return (x, y, z) => {
    [x, y, z] = [x - right, y - path[1], z - back];
    const near = sinTurn * x - cosTurn * z, depth = sinTilt * y + cosTilt * near;
    const size = (scale * far) / Math.max(far - depth, 0.1 * far);
    return [
      panel.width / 2 - size * (cosTurn * x + sinTurn * z),
      panel.height / 2 - size * (cosTilt * y - sinTilt * near),
      depth,
      size,
    ];
  };
}

// ---- Drawing

function stroke(pen, points, width, paint) {
  pen.beginPath();
  points.forEach(([x, y], i) => (i ? pen.lineTo(x, y) : pen.moveTo(x, y)));
  pen.lineWidth = width;
  pen.strokeStyle = paint;
  pen.stroke();
}

function disc(pen, x, y, radius, paint) {
  pen.beginPath();
  pen.arc(x, y, radius, 0, 2 * Math.PI);
  pen.fillStyle = paint;
  pen.fill();
}

function drawPanel(panel) {
  const { pen, shown } = panel, frame = frameNow(), project = projector(panel);
  pen.setTransform(dots(), 0, 0, dots(), 0, 0);
  pen.clearRect(0, 0, panel.width, panel.height);
  pen.lineCap = pen.lineJoin = "round";
  if (data.ground) drawGround(pen, shown.path, frame, project);
  const gone = missing(shown.positions, frame), at = 3 * frame * joints.length;
  panel.points = joints.map((joint) => {
    return gone.has(joint) ? null : project(...shown.positions.subarray(at + 3 * joint, at + 3 * joint + 3));
  });
  drawBody(pen, panel.points);
  if (panel.points[state.joint]) nameJoint(pen, panel);
  if (gone.size === joints.length) {
    pen.fillStyle = theme.muted;
    pen.font = "14px system-ui, sans-serif";
    pen.textAlign = "center";
    pen.fillText("frame removed", panel.width / 2, panel.height / 2);
  }
  describe(panel, gone);
}

function drawBody(pen, points) { // far limbs first
  const paint = (joint) => partOf[joint].colour || theme.ink;
  const seen = joints.filter((joint) => points[joint]), depth = (joint) => points[joint][2];
  if (!seen.length) return;
  const unit = state.walk.size * points[seen[0]][3], width = Math.min(Math.max(0.026 * unit, 1.6), 6);
  const bones = seen.map((child) => [child, data.parents[child]]).filter(([, parent]) => parent >= 0 && points[parent]);
  const mean = ([child, parent]) => depth(child) + depth(parent);
  for (const [child, parent] of bones.sort((one, other) => mean(one) - mean(other))) {
    const [x, y] = points[child], [u, v] = points[parent], dx = 0.15 * (u - x), dy = 0.15 * (v - y);
    // A rim that ends short of the joints shows which of two crossing limbs is in front.
    stroke(pen, [[x + dx, y + dy], [u - dx, v - dy]], 2 * width, theme.panel);
    stroke(pen, [[x, y], [u, v]], width, paint(child));
  }
  for (const joint of seen.sort((one, other) => depth(one) - depth(other))) {
    const [x, y, , size] = points[joint];
    const radius = joint === data.head ? Math.max(0.07 * state.walk.size * size, 1.6 * width) : 0.8 * width;
    disc(pen, x, y, radius, paint(joint));
  }
}

function drawGround(pen, path, frame, project) { // a disc of grid lines under the walker, and the way travelled
  const { floor, step, size } = state.walk, radius = 1.6 * size, [x, z] = [path[3 * frame], path[3 * frame + 2]];
  const lines = (middle, place) => {
    const first = step * Math.ceil((middle - radius) / step);
    for (let number = 0; number < (2 * radius) / step; number++) {
      const at = first + number * step, half = Math.sqrt(Math.max(radius ** 2 - (at - middle) ** 2, 0));
      stroke(pen, place(at, half).map((point) => project(...point)), 1, theme.grid);
    }
  };
  lines(x, (at, half) => [[at, floor, z - half], [at, floor, z + half]]);
  lines(z, (at, half) => [[x - half, floor, at], [x + half, floor, at]]);
  const way = [];
  for (let i = 0; i < path.length; i += 3) way.push(project(path[i], floor, path[i + 2]));
  stroke(pen, way, 1.5, theme.accent);
}

function nameJoint(pen, panel) {
  const [x, y] = panel.points[state.joint], text = plain(data.joints[state.joint]);
  pen.beginPath();
  pen.arc(x, y, 10, 0, 2 * Math.PI);
  pen.lineWidth = 2;
  pen.strokeStyle = theme.ink;
  pen.stroke();
  pen.font = "13px system-ui, sans-serif";
  pen.textAlign = "left";
  const wide = pen.measureText(text).width + 12;
  const left = Math.max(Math.min(x + 12, panel.width - wide - 3), 3), top = Math.max(y - 34, 3);
  pen.fillStyle = theme.ink;
  pen.fillRect(left, top, wide, 21);
  pen.fillStyle = theme.ground;
  pen.fillText(text, left + 6, top + 15);
}

function describe(panel, gone) { // what the picture shows, in words
  const { walk } = state, removed = panel.shown.removed.filter(Boolean).length;
  const whole = gone.size === joints.length;
  const now = whole ? "this frame was removed" : gone.size ? `missing: ${missingNames(gone)}` : "";
  setText(panel.now, now);
  setText(panel.note, removed ? `${removed} of ${walk.frames} frames removed` : "");
  const text = `${panel.name}: stick figure of ${walk.id}, frame ${frameNow() + 1} of ${walk.frames}`;
  panel.canvas.setAttribute("aria-label", now ? `${text}, ${now}` : text);
}

function drawRemoved() { // above the time line, a row for each view that lacks frames
  const rows = state.panels.map((panel) => panel.shown.removed).filter((row) => row.includes(true));
  const canvas = byId("removed"), width = canvas.parentElement.clientWidth, height = 7 * rows.length;
  [canvas.width, canvas.height, canvas.style.height] = [width * dots(), height * dots(), `${height}px`];
  const pen = canvas.getContext("2d"), step = (width - 16) / Math.max(state.walk.frames - 1, 1);
  pen.scale(dots(), dots());
  rows.forEach((row, number) => row.forEach((gone, frame) => {
    pen.fillStyle = gone ? theme.removed : theme.line;
    pen.fillRect(8 + (frame - 0.5) * step, 7 * number, Math.max(step - 1, 1), 5); // 8: half of the slider's knob
  }));
  byId("removed-legend").hidden = !rows.length;
}

function draw() {
  const frame = frameNow(), seconds = data.rate ? ` · ${(frame / data.rate).toFixed(2)} s` : "";
  const text = `frame ${frame + 1} of ${state.walk.frames}${seconds}`;
  byId("frame").value = frame;
  byId("frame").setAttribute("aria-valuetext", text);
  setText(byId("clock"), text);
  state.panels.forEach(drawPanel);
}

function drawAll() { // after a change of walk, size or colours
  readTheme();
  drawRemoved();
  draw();
}

let asked = false;
function redraw() { // at most once for each picture of the screen
  if (!asked) requestAnimationFrame(() => { asked = false; draw(); });
  asked = true;
}
