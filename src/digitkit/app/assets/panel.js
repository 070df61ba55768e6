// The result panel: what is read in a picture. It follows the pad while somebody draws.

const MOST_BARS = 12; // of models with many classes the most probable ones
const SPEAK_MS = 700; // a screen reader hears an answer that stays

function percent(share) {
  return `${(100 * share).toFixed(share > 0.9995 || share < 0.0005 ? 0 : 1)} %`;
}

function named(label) {
  return label === "" ? "no number" : label;
}

// The same words as digitkit.app.words says them in Python.
function words(answer) {
  if (answer.verdict === "blank") return answer.reason === "nothing is drawn" ? "Nothing is drawn" : "Too faint to read";
  if (answer.verdict === "not a digit") return "Not a digit";
  if (answer.verdict === "unsure") return answer.reason === "several digits?" ? "Several digits?" : `Not sure: ${answer.reason}`;
  return `It is ${named(answer.label)}`;
}

function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text; // never as HTML: labels and names come from others
  return made;
}

function figure(source, caption, className) {
  const made = element("figure", className);
  const image = element("img");
  image.src = source;
  image.alt = caption;
  made.append(image, element("figcaption", "", caption));
  return made;
}

function bars(answer) {
  const list = element("ol", "bars");
  list.setAttribute("aria-label", "Probability of each class");
  const empty = answer.verdict === "blank";
  const entries = Object.entries(answer.probabilities);
  const limit = entries.map(([, share]) => share).sort((a, b) => b - a)[MOST_BARS - 1] ?? 0;
  for (const [label, share] of entries.filter((entry) => entry[1] >= limit).slice(0, MOST_BARS)) {
    const shown = empty ? 0 : share;
    const row = element("li", !empty && label === answer.label ? "best" : "");
    const track = element("span", "track");
    const bar = element("span", "bar");
    bar.style.width = `${100 * shown}%`;
    track.append(bar);
    row.append(element("span", "name", label || "–"), track, element("span", "share", percent(shown)));
    list.append(row);
  }
  return list;
}

function ranking(answer) {
  if (answer.verdict === "blank") return "";
  const best = [...answer.top].slice(0, 3);
  return best.map(({ label, probability }) => `${named(label)}: ${percent(probability)}`).join(",  ");
}

function head(answer) {
  const made = element("div", "head");
  const hidden = answer.verdict === "blank" || answer.verdict === "not a digit";
  const label = element("div", "label", hidden ? "–" : named(answer.label));
  const said = element("div", "said");
  said.append(element("p", "verdict", words(answer)), element("p", "top", ranking(answer)));
  made.append(label, said);
  return made;
}

class Panel {
  constructor(root) {
    this.root = root;
    this.body = root.querySelector(".body");
    this.voice = root.querySelector(".voice");
    this.shown = { id: null, version: -1 };
    this.follows = false;
    this.hear = (event) => {
      if (!root.isConnected) window.removeEventListener("digitkit-answer", this.hear);
      else if (this.follows) this.take(event.detail);
    };
    window.addEventListener("digitkit-answer", this.hear);
  }

  // Numbers of changes grow as long as the page lives, so the highest is the newest.
  take(detail) {
    if (detail.version < this.shown.version) return;
    if (detail.version === this.shown.version && this.shown.answer && !detail.answer) return;
    const before = detail.answer ? {} : this.shown;
    this.shown = { ...detail, answer: detail.answer ?? before.answer, picture: detail.picture ?? before.picture };
    this.show();
  }

  show() {
    const { answer, problem, picture, version } = this.shown;
    const parts = [];
    if (problem) parts.push(element("p", "problem", problem));
    if (answer) {
      const pictures = element("div", "pictures");
      if (picture) pictures.append(figure(picture, "your picture", ""));
      if (answer.seen) pictures.append(figure(`data:image/png;base64,${answer.seen}`, "what the model saw", "seen"));
      const facts = element("p", "facts", `${answer.milliseconds.toFixed(1)} ms  ·  ${answer.bundle}`);
      parts.push(head(answer), bars(answer), pictures, facts);
    } else if (!problem) {
      parts.push(element("p", "hint", "The answer appears here while you draw."));
    }
    this.root.dataset.verdict = answer?.verdict ?? "";
    this.root.dataset.label = answer?.label ?? "";
    this.root.dataset.version = version;
    this.root.dataset.problem = problem ? "yes" : "";
    this.body.replaceChildren(...parts);
    clearTimeout(this.speaking);
    this.speaking = setTimeout(() => this.speak(), SPEAK_MS);
  }

  speak() {
    const { answer, problem } = this.shown;
    const text = problem ?? (answer ? `${words(answer)}. ${ranking(answer)}` : "");
    if (this.voice.textContent !== text) this.voice.textContent = text;
  }
}

export default function (component) {
  const { parentElement, data } = component;
  const root = parentElement.querySelector(".panel");
  root.panel ??= new Panel(root);
  root.panel.follows = Boolean(data.follows);
  if (data.shown) root.panel.take(data.shown);
  else if (!root.panel.shown.answer) root.panel.show();
}
