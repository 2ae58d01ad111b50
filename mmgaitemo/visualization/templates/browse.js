// What the user does, and the parts of the page. Continues draw.js.

// ---- Walks and time

function show(walk) {
  Object.assign(state, { walk, moment: 0 });
  state.panels.forEach((panel, number) => { panel.shown = decode(walk, walk.views[number]); });
  setText(byId("id"), walk.id);
  setText(byId("facts"), walk.facts);
  setText(byId("squares"), `${walk.step} ${data.unit}`.trim());
  byId("frame").max = walk.frames - 1;
  markChosen();
  drawAll();
}

function markChosen() {
  for (const item of byId("walks").children) {
    const chosen = item.walk === state.walk;
    item.setAttribute("aria-selected", chosen);
    if (!chosen) continue;
    byId("walks").setAttribute("aria-activedescendant", item.id);
    // Not scrollIntoView, which on a phone would scroll the page away from the figure.
    const list = byId("walks"), top = item.offsetTop - list.offsetTop, bottom = top + item.offsetHeight;
    if (top < list.scrollTop) list.scrollTop = top;
    if (bottom > list.scrollTop + list.clientHeight) list.scrollTop = bottom - list.clientHeight;
  }
}

function listWalks() {
  const words = byId("search").value.toLowerCase().split(/\s+/);
  const text = (walk) => `${walk.id} ${walk.about}`.toLowerCase();
  const found = data.walks.filter((walk) => words.every((word) => text(walk).includes(word)));
  byId("walks").replaceChildren(...found.map((walk) => {
    const item = document.createElement("li"), about = document.createElement("small");
    about.textContent = walk.about;
    item.append(walk.id, about);
    Object.assign(item, { walk, id: `walk-${data.walks.indexOf(walk)}` });
    item.setAttribute("role", "option");
    item.addEventListener("click", () => show(walk));
    return item;
  }));
  const all = data.walks.length;
  setText(byId("found"), found.length === all ? `(${all})` : `(${found.length} of ${all})`);
  markChosen();
}

function nextWalk(by) { // among those found
  const items = [...byId("walks").children], now = items.findIndex((item) => item.walk === state.walk);
  if (items.length) show(items[Math.min(Math.max(now + by, 0), items.length - 1)].walk);
}

function play(on) {
  const running = state.playing;
  state.playing = on;
  byId("play").setAttribute("aria-label", on ? "pause" : "play");
  byId("play-icon").setAttribute("d", on ? "M3 2h4v12H3zM9 2h4v12H9z" : "M4 2l10 6-10 6z");
  let before = performance.now();
  const tick = (now) => {
    if (!state.playing) return;
    const passed = Math.max(now - before, 0) / 1000;
    state.moment = (state.moment + passed * (data.rate || data.played) * state.speed) % state.walk.frames;
    before = now;
    draw();
    requestAnimationFrame(tick);
  };
  if (on && !running) requestAnimationFrame(tick);
}

function step(to) {
  play(false);
  state.moment = Math.min(Math.max(to, 0), state.walk.frames - 1);
  redraw();
}

// ---- Camera and joints

function orbit(turn, tilt) {
  const { elevation } = state.walk;
  state.turn += turn;
  state.tilt = Math.min(Math.max(state.tilt + tilt, -Math.PI / 2 - elevation), Math.PI / 2 - elevation);
  redraw();
}

function zoom(factor) {
  state.zoom = Math.min(Math.max(state.zoom * factor, 0.2), 10);
  redraw();
}

function reset() {
  Object.assign(state, { turn: 0, tilt: 0, zoom: 1 });
  redraw();
}

function chooseJoint(joint) {
  if (joint === state.joint) return;
  state.joint = joint;
  redraw();
}

function nextJoint(by) { // names it for those who cannot hover
  chooseJoint(state.joint < 0 ? 0 : (state.joint + by + joints.length) % joints.length);
  const without = state.panels.filter((panel) => !panel.points[state.joint]).map((panel) => panel.name);
  setText(byId("said"), plain(data.joints[state.joint]) + (without.length ? `, missing in ${without.join(", ")}` : ""));
}

// ---- Keys and pointers

const KEYS = {
  " ": () => play(!state.playing),
  ArrowLeft: () => step(frameNow() - 1),
  ArrowRight: () => step(frameNow() + 1),
  Home: () => step(0),
  End: () => step(state.walk.frames - 1),
  ArrowUp: () => nextWalk(-1),
  ArrowDown: () => nextWalk(1),
  "+": () => zoom(1.2),
  "-": () => zoom(1 / 1.2),
  0: reset,
  j: () => nextJoint(1),
  J: () => nextJoint(-1),
  Escape: () => chooseJoint(-1),
};
const ORBIT = { ArrowLeft: [-0.15, 0], ArrowRight: [0.15, 0], ArrowUp: [0, -0.15], ArrowDown: [0, 0.15] };

function onKey(event) {
  const { key, target } = event;
  if (event.ctrlKey || event.metaKey || event.altKey || target.tagName === "SELECT") return;
  if (target.type === "search" && key !== "ArrowUp" && key !== "ArrowDown") return; // they write there
  if (key === " " && target.matches("button, summary, input[type=checkbox]")) return; // it presses them
  const action = event.shiftKey && ORBIT[key] ? () => orbit(...ORBIT[key]) : KEYS[key];
  if (!action) return;
  event.preventDefault();
  action();
}

const pointers = new Map(); // those that are down: id to [x, y]

function onMove(panel, event) {
  const now = [event.offsetX, event.offsetY], before = pointers.get(event.pointerId);
  if (!before) {
    nameNear(panel, now);
    return;
  }
  const other = [...pointers].find(([id]) => id !== event.pointerId);
  const apart = ([x, y]) => Math.max(Math.hypot(x - other[1][0], y - other[1][1]), 1);
  if (other) zoom(apart(now) / apart(before)); // two fingers
  else orbit(0.01 * (now[0] - before[0]), 0.01 * (now[1] - before[1]));
  pointers.set(event.pointerId, now);
}

function nameNear(panel, [x, y]) {
  const distance = panel.points.map((point) => (point ? Math.hypot(point[0] - x, point[1] - y) : Infinity));
  const least = Math.min(...distance);
  chooseJoint(least < 18 ? distance.indexOf(least) : -1);
}

// ---- The parts of the page

function makePanel(name) {
  const [figure, canvas, caption, title, note, now] = ["figure", "canvas", "figcaption", "b", "span", "span"].map(
    (tag) => document.createElement(tag),
  );
  const panel = { name, canvas, pen: canvas.getContext("2d"), points: [], note, now };
  canvas.setAttribute("role", "img");
  title.textContent = name;
  note.className = now.className = "note";
  caption.append(title, note, now);
  figure.append(canvas, caption);
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    nameNear(panel, [event.offsetX, event.offsetY]);
    pointers.set(event.pointerId, [event.offsetX, event.offsetY]);
  });
  canvas.addEventListener("pointermove", (event) => onMove(panel, event));
  for (const end of ["pointerup", "pointercancel"])
    canvas.addEventListener(end, (event) => pointers.delete(event.pointerId));
  canvas.addEventListener("pointerleave", () => chooseJoint(-1));
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoom(Math.exp(-0.0015 * event.deltaY));
  }, { passive: false });
  byId("panels").append(figure);
  return panel;
}

function measure() {
  for (const panel of state.panels) {
    const { width, height } = panel.canvas.getBoundingClientRect();
    Object.assign(panel, { width, height });
    Object.assign(panel.canvas, { width: Math.round(width * dots()), height: Math.round(height * dots()) });
  }
  drawAll(); // at once: a canvas that was resized is empty
}

function legend() {
  const items = data.parts.map(({ name, colour }) => {
    const item = document.createElement("li"), mark = document.createElement("i");
    mark.style.background = colour || "var(--ink)";
    item.append(mark, plain(name));
    return item;
  });
  byId("legend").prepend(...items);
}

state.panels = data.views.map(makePanel);
byId("panels").classList.toggle("single", data.views.length === 1);
for (const name of ["follow-label", "squares-legend"]) byId(name).hidden = !data.ground;
legend();
listWalks();
show(data.walks[0]);
measure(); // now, so that the first picture of the screen is not empty; the observer below speaks after it
document.addEventListener("keydown", onKey);
byId("search").addEventListener("input", listWalks);
byId("frame").addEventListener("input", (event) => step(Number(event.target.value)));
byId("play").addEventListener("click", () => play(!state.playing));
byId("back").addEventListener("click", () => step(frameNow() - 1));
byId("forward").addEventListener("click", () => step(frameNow() + 1));
byId("speed").addEventListener("change", (event) => { state.speed = Number(event.target.value); });
byId("follow").addEventListener("change", (event) => { state.follow = event.target.checked; redraw(); });
byId("reset").addEventListener("click", reset);
const observer = new ResizeObserver(() => requestAnimationFrame(measure)); // a picture later, or it may go in circles
for (const panel of state.panels) observer.observe(panel.canvas);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
