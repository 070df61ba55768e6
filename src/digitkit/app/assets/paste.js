// A picture from the clipboard, wherever on the page it is pasted while this is shown.

const MOST_BYTES = 20 * 2 ** 20;

function read(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.split(",")[1]);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
}

export default function (component) {
  const { parentElement, setStateValue } = component;
  const root = parentElement.querySelector(".paste");
  root.report = (picture) => setStateValue("picture", picture);
  if (root.hear) return;
  root.hear = async (event) => {
    if (!root.isConnected) return document.removeEventListener("paste", root.hear);
    const file = [...(event.clipboardData?.files ?? [])].find((each) => each.type.startsWith("image/"));
    if (!file) return; // text, for the field that has the focus
    event.preventDefault();
    if (file.size > MOST_BYTES) root.textContent = "That picture is over 20 MB. Save it smaller.";
    else root.report(await read(file));
  };
  document.addEventListener("paste", root.hear);
}
