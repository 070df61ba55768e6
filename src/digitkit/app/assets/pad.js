// The sketch pad: strokes with times and pressure, undo and redo, and an answer while drawing.
// Streamlit calls the exported function at every rerun; what belongs to one pad lives on its element.

const SIDE = 280; // px of the drawing, whatever its size on the screen
const ASK = "/v1/predict?top_k=3&explain=true";
const PATIENCE_MS = 5000; // for one answer
const SETTLE_MS = 150; // after the pen was lifted, before the page is told
const MAX_STROKES = 500; // of one drawing, as the service takes them
const MAX_POINTS = 5000; // of all its strokes
const APART = 1; // px between points; a quick mouse tells a thousand times a second
const MAX_MS = 86400000; // of one drawing
const STEP = 7; // px that an arrow key moves the pen

function freshId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16)); // randomUUID exists on HTTPS only
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function paint(canvas, drawing, dark) {
  const pen = canvas.getContext("2d");
  const scale = canvas.width / SIDE;
  pen.setTransform(1, 0, 0, 1, 0, 0);
  pen.fillStyle = dark ? "#000000" : "#ffffff";
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  pen.strokeStyle = pen.fillStyle = dark ? "#ffffff" : "#000000";
  pen.lineCap = pen.lineJoin = "round";
  for (const stroke of drawing.strokes) {
    const points = stroke.points;
    for (let at = 0; at < points.length; at += 1) {
      const [x, y, , pressure] = points[at];
      const from = points[Math.max(0, at - 1)];
      pen.lineWidth = stroke.width * (0.5 + pressure); // a mouse always presses with 0.5
      pen.beginPath();
      pen.moveTo(from[0], from[1]);
      pen.lineTo(x + (at ? 0 : 0.01), y); // a dot has a length, or nothing is drawn
      pen.stroke();
    }
  }
}

class Pad {
  constructor(root) {
    this.canvas = root.querySelector("canvas");
    this.buttons = Object.fromEntries([...root.querySelectorAll("button")].map((each) => [each.name, each]));
    this.width = root.querySelector("input[name=width]");
    this.state = { id: freshId(), strokes: [] };
    this.past = [];
    this.future = [];
    this.dark = false;
    this.stroke = null;
    this.pointer = null; // the finger, pen or mouse that draws
    this.began = null; // ms, when this drawing began
    this.version = 0; // counts changes, so that an old answer never takes the place of a newer one
    this.unasked = null; // ms, the oldest change that no request holds
    this.asking = false;
    this.waits_ms = 250; // before asking again after a failure
    this.cursor = [SIDE / 2, SIDE / 2];
    this.report = () => {};
    this.root = root;
    this.listen(root);
    new ResizeObserver(() => this.fit()).observe(this.canvas);
  }

  listen(root) {
    const canvas = this.canvas;
    canvas.addEventListener("pointerdown", (event) => this.down(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) {
      canvas.addEventListener(end, () => this.up());
    }
    canvas.addEventListener("contextmenu", (event) => event.preventDefault());
    this.buttons.undo.onclick = () => this.step(this.past, this.future);
    this.buttons.redo.onclick = () => this.step(this.future, this.past);
    this.buttons.clear.onclick = () => this.clear();
    this.buttons.paper.onclick = () => this.turnPaper();
    root.addEventListener("keydown", (event) => this.key(event));
    canvas.addEventListener("focus", () => root.classList.toggle("keys", this.pointer === null));
    canvas.addEventListener("blur", () => this.show());
  }

  // --- drawing

  place(event) {
    const box = this.canvas.getBoundingClientRect();
    const limit = (value) => Math.min(SIDE, Math.max(0, Math.round(value * 10) / 10));
    const x = limit(((event.clientX - box.left) / box.width) * SIDE);
    const y = limit(((event.clientY - box.top) / box.height) * SIDE);
    const pressure = event.pointerType === "pen" ? Math.round(event.pressure * 100) / 100 : 0.5;
    return [x, y, this.clock(event.timeStamp), pressure];
  }

  clock(now = performance.now()) {
    const last = this.state.strokes.at(-1)?.points.at(-1)[2] ?? 0; // a drawing that comes back goes on from there
    this.began ??= now - last;
    return Math.min(MAX_MS, Math.max(last, Math.round(now - this.began)));
  }

  down(event) {
    if (this.stroke || (event.pointerType === "mouse" && event.button !== 0)) return; // one finger draws
    event.preventDefault();
    this.pointer = event.pointerId;
    this.root.classList.remove("keys");
    this.canvas.setPointerCapture(event.pointerId);
    this.canvas.focus({ preventScroll: true });
    this.begin(this.place(event));
  }

  move(event) {
    if (!this.stroke || event.pointerId !== this.pointer) return;
    const events = event.getCoalescedEvents?.() ?? [];
    this.extend((events.length ? events : [event]).map((each) => this.place(each)));
  }

  room() {
    return MAX_POINTS - this.state.strokes.reduce((sum, each) => sum + each.points.length, 0);
  }

  begin(point) {
    if (this.state.strokes.length >= MAX_STROKES || this.room() <= 0) return;
    this.stroke = { points: [point], width: Number(this.width.value) };
    this.remember({ ...this.state, strokes: [...this.state.strokes, this.stroke] });
  }

  extend(points) {
    const kept = this.stroke.points;
    const before = kept.length;
    for (const point of points) {
      const [x, y] = kept.at(-1);
      if (this.room() > 0 && Math.hypot(point[0] - x, point[1] - y) >= APART) kept.push(point);
    }
    if (kept.length > before) this.changed();
  }

  up() {
    if (!this.stroke) return;
    this.stroke = this.pointer = null;
    this.tell();
  }

  remember(next) {
    this.past.push(this.state);
    this.future = [];
    this.state = next;
    this.changed();
  }

  step(from, to) {
    if (!from.length || this.stroke) return;
    to.push(this.state);
    this.state = from.pop();
    this.began = null;
    this.changed();
    this.tell();
  }

  clear() {
    if (!this.state.strokes.length) return;
    this.stroke = null;
    this.began = null;
    this.remember({ id: freshId(), strokes: [] });
    this.tell();
  }

  turnPaper() {
    this.dark = !this.dark;
    this.changed();
    this.tell();
  }

  // Arrow keys move the pen, space puts it down and lifts it.
  key(event) {
    this.root.classList.add("keys");
    const moves = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] };
    const mod = event.ctrlKey || event.metaKey;
    const name = event.key.toLowerCase();
    if (mod && name === "z") event.shiftKey ? this.buttons.redo.click() : this.buttons.undo.click();
    else if (mod && name === "y") this.buttons.redo.click();
    else if (event.target === this.canvas && event.key in moves) this.walk(moves[event.key]);
    else if (event.target === this.canvas && event.key === " ") this.stroke ? this.up() : this.begin(this.here());
    else if (event.target === this.canvas && event.key === "Delete") this.clear();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  walk([right, down]) {
    const limit = (value) => Math.min(SIDE, Math.max(0, value));
    this.cursor = [limit(this.cursor[0] + right), limit(this.cursor[1] + down)];
    if (this.stroke) this.extend([this.here()]);
    else this.show();
  }

  here() {
    return [...this.cursor, this.clock(), 0.5];
  }

  // --- showing

  fit() {
    const side = Math.round(this.canvas.clientWidth * (window.devicePixelRatio || 1));
    if (side > 0 && side !== this.canvas.width) {
      this.canvas.width = this.canvas.height = side;
      this.show();
    }
  }

  show() {
    paint(this.canvas, this.state, this.dark);
    if (this.root.classList.contains("keys") && this.canvas.matches(":focus")) this.showCursor();
    this.enable(this.buttons.undo, this.past.length);
    this.enable(this.buttons.redo, this.future.length);
    this.enable(this.buttons.clear, this.state.strokes.length);
    this.buttons.paper.setAttribute("aria-pressed", String(this.dark));
  }

  // A button that is switched off would lose the focus, and with it the keys; the pad takes it.
  enable(button, useful) {
    if (!useful && button.getRootNode().activeElement === button) this.canvas.focus({ preventScroll: true });
    button.disabled = !useful;
  }

  showCursor() {
    const pen = this.canvas.getContext("2d");
    pen.lineWidth = 1.5;
    pen.strokeStyle = "#e4572e";
    pen.beginPath();
    pen.arc(this.cursor[0], this.cursor[1], 6, 0, 7);
    pen.stroke();
  }

  changed() {
    this.version += 1;
    this.unasked ??= performance.now();
    if (!this.frame) {
      this.frame = requestAnimationFrame(() => {
        this.frame = 0;
        this.show();
      });
    }
    this.ask();
  }

  // --- asking: one request at a time, and always the newest drawing

  copy() {
    const sheet = document.createElement("canvas");
    sheet.width = sheet.height = SIDE;
    paint(sheet, this.state, this.dark);
    return sheet;
  }

  async ask() {
    if (this.asking || this.unasked === null || !this.canvas.isConnected) return;
    this.asking = true;
    const since = this.unasked;
    const { version } = this;
    const { id } = this.state;
    this.unasked = null;
    try {
      const sheet = this.copy();
      const body = await new Promise((resolve) => sheet.toBlob(resolve, "image/png"));
      const answer = await this.fetchAnswer(body);
      this.publish({ id, version, answer, picture: sheet.toDataURL("image/png") });
      performance.measure("digitkit-answer", { start: since });
      this.waits_ms = 250;
    } catch (error) {
      this.unasked ??= since;
      this.publish({ id, version, problem: "The service does not answer. Your drawing is kept; trying again." });
      await new Promise((resolve) => setTimeout(resolve, this.waits_ms));
      this.waits_ms = Math.min(5000, 2 * this.waits_ms);
    }
    this.asking = false;
    this.ask();
  }

  async fetchAnswer(body) {
    const headers = { "Content-Type": "image/png", Accept: "application/json" };
    const signal = AbortSignal.timeout(PATIENCE_MS);
    const response = await fetch(ASK, { method: "POST", body, headers, signal });
    if (!response.ok) throw new Error(String(response.status));
    const { answers } = await response.json();
    if (!answers[0].prediction) throw new Error("no prediction");
    return answers[0].prediction;
  }

  publish(detail) {
    window.dispatchEvent(new CustomEvent("digitkit-answer", { detail }));
  }

  // --- telling the page, once the pen rests

  tell() {
    clearTimeout(this.resting);
    this.resting = setTimeout(() => {
      if (this.stroke) return; // it goes on; the end of that stroke tells
      const { id, strokes } = this.state;
      const png = this.copy().toDataURL("image/png").split(",")[1];
      this.report({ id, version: this.version, png, dark: this.dark, strokes });
    }, SETTLE_MS);
  }

  restore(kept) {
    this.state = { id: kept.id, strokes: kept.strokes };
    this.dark = kept.dark;
    this.version = kept.version;
    this.show();
  }
}

export default function (component) {
  const { parentElement, data, setStateValue } = component;
  const root = parentElement.querySelector(".pad");
  if (!root.pad) {
    root.pad = new Pad(root);
    if (data?.kept) root.pad.restore(data.kept);
    root.pad.fit();
  }
  root.pad.report = (drawing) => setStateValue("drawing", drawing);
}
