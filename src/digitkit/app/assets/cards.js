// Pictures with what is said of them. Everything is text: names and labels come from others.

function line(className, text) {
  const made = document.createElement("p");
  made.className = className;
  made.textContent = text;
  return made;
}

function card({ picture, title, lines }) {
  const made = document.createElement("li");
  const image = document.createElement("img");
  image.src = picture;
  image.alt = `Picture: ${title}`;
  image.loading = "lazy";
  made.append(image, line("title", title), ...lines.map((text) => line("more", text)));
  return made;
}

export default function (component) {
  const { parentElement, data } = component;
  parentElement.querySelector(".cards").replaceChildren(...data.cards.map(card));
}
