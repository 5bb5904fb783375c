// The page where a seal is put on documents. The form says where it goes; the server says which stamps come of that, by
// the rule that later makes them, and this script draws them. Dragging, a click on a page and the arrow keys change the
// form's numbers. Without this script the numbers are typed.

const form = document.getElementById("place");
const sheet = document.getElementById("pages");
const said = document.getElementById("said");
const [MM_WIDE, MM_HIGH] = [Number(form.dataset.width), Number(form.dataset.height)];
const english = document.documentElement.lang === "en";
const say = (chinese, englishWords) => (english ? englishWords : chinese);
const figures = [...sheet.querySelectorAll("figure[data-page]")];
const field = (name) => form.elements[name];
const mode = () => form.querySelector("input[name=mode]:checked").value;

/** Millimetres of a page, and how many CSS pixels one of them is now. */
function measure(figure) {
  const box = figure.querySelector(".paper").getBoundingClientRect();
  const [width, height] = [Number(figure.dataset.width), Number(figure.dataset.height)];
  return { box, width, height, scale: box.width / width };
}

const rounded = (mm) => Math.round(mm * 10) / 10;
const within = (value, least, most) => Math.min(Math.max(value, least), Math.max(most, least));

// The stamps on the pages.

let drawn = [];

/** A picture, or a slice of it, on a page. All measures are shares of the page, so that it stays right at any size. */
function put(stamp, main) {
  const figure = figures[stamp.page];
  if (!figure) return;
  const [width, height] = [Number(figure.dataset.width), Number(figure.dataset.height)];
  const { x, y, width: w, height: h } = stamp.boundary;
  // The one that people move stays the same element, so that it keeps the focus.
  const one = main ? handled() : document.createElement("span");
  if (!main) {
    one.className = "stamp";
    one.append(face());
  }
  one.style.left = `${(x / width) * 100}%`;
  one.style.top = `${(y / height) * 100}%`;
  one.style.width = `${(w / width) * 100}%`;
  one.style.height = `${(h / height) * 100}%`;
  if (stamp.clip) {
    const { x: cx, y: cy, width: cw, height: ch } = stamp.clip;
    const [top, left] = [cy / h, cx / w];
    const [right, bottom] = [1 - (cx + cw) / w, 1 - (cy + ch) / h];
    one.style.clipPath = `inset(${[top, right, bottom, left].map((part) => `${(part * 100).toFixed(4)}%`).join(" ")})`;
  }
  stand(one, figure);
  drawn.push(one);
}

function face() {
  const picture = document.createElement("img");
  picture.src = form.dataset.picture;
  picture.alt = "";
  picture.draggable = false;
  return picture;
}

let grip = null;

/** The stamp that can be moved. */
function handled() {
  if (grip === null) {
    grip = document.createElement("button");
    grip.type = "button";
    grip.className = "stamp grip";
    grip.setAttribute("aria-describedby", "keys");
    grip.append(face());
    handle(grip);
  }
  return grip;
}

/** Puts it on a page. */
function stand(one, figure) {
  const paper = figure.querySelector(".paper");
  if (one.parentElement === paper) return;
  const focused = document.activeElement === one;
  paper.append(one);
  if (focused) one.focus({ preventScroll: true });
}

/** What a reader who does not see the page hears of the stamp. */
function name(one, figure) {
  const page = figure.dataset.page;
  one.setAttribute(
    "aria-label",
    say(
      `印章，第 ${page} 页，距左 ${field("x").value} 毫米，距上 ${field("y").value} 毫米`,
      `Seal, page ${page}, ${field("x").value} mm from the left, ${field("y").value} mm from the top`,
    ),
  );
}

function draw(stamps) {
  const main = mode() === "at" ? Math.max(stamps.findIndex((stamp) => stamp.page === at.page), 0) : -1;
  for (const one of drawn) if (one !== grip || !stamps[main]) one.remove();
  drawn = [];
  stamps.forEach((stamp, place) => put(stamp, place === main));
  if (stamps[main]) name(grip, figures[stamps[main].page]);
  tellCount(stamps);
}

function tellCount(stamps) {
  const pages = new Set(stamps.map((stamp) => stamp.page)).size;
  said.className = "said";
  said.textContent =
    stamps.length === pages
      ? say(`将盖在 ${pages} 页上。`, pages === 1 ? "It goes on 1 page." : `It goes on ${pages} pages.`)
      : say(`将在 ${pages} 页上盖 ${stamps.length} 处。`, `It goes on ${pages} pages, in ${stamps.length} places.`);
}

// Asking the server where the stamps lie.

let waiting = 0;
let asked = 0;

function ask(delay = 200) {
  clearTimeout(waiting);
  waiting = setTimeout(answer, delay);
}

async function answer() {
  const turn = ++asked;
  let told;
  try {
    const reply = await fetch(form.dataset.places, {
      method: "POST",
      headers: { Accept: "application/json" },
      body: new URLSearchParams(new FormData(form)),
    });
    told = await reply.json();
    // What was asked before the seal was taken up is not what is meant now.
    if (turn !== asked || document.body.classList.contains("dragging")) return;
    if (!reply.ok) {
      draw([]);
      const words = english ? told.message.en : told.message.zh;
      said.className = "said failed";
      said.textContent = told.detail ? `${words} ${told.detail}` : words;
      return;
    }
  } catch {
    // The places are looked at again when the form is sent.
    return;
  }
  at.page = mode() === "at" && told.length > 0 && !told.some((stamp) => stamp.page === at.page) ? told[0].page : at.page;
  draw(told);
}

// Moving it.

/** Where the main stamp is. The page counts from 0. */
const at = { page: Number(form.dataset.page) };

function move(figure, x, y) {
  const { width, height } = measure(figure);
  field("x").value = rounded(within(x, 0, width - MM_WIDE));
  field("y").value = rounded(within(y, 0, height - MM_HIGH));
  const page = figures.indexOf(figure);
  // On one page only: that page is now this one. On several, the place is the same on each.
  if (/^\s*\d+\s*$/.test(field("pages").value)) field("pages").value = figure.dataset.page;
  at.page = page;
}

/** Shows the main stamp where the form says, before the server answers. */
function follow(one) {
  const figure = figures[at.page];
  stand(one, figure);
  one.style.left = `${(Number(field("x").value) / Number(figure.dataset.width)) * 100}%`;
  one.style.top = `${(Number(field("y").value) / Number(figure.dataset.height)) * 100}%`;
  one.style.width = `${(MM_WIDE / Number(figure.dataset.width)) * 100}%`;
  one.style.height = `${(MM_HIGH / Number(figure.dataset.height)) * 100}%`;
  name(one, figure);
}

/** The page under a point, or the one nearest above or below it. */
function under(x, y) {
  const here = document.elementsFromPoint(x, y).find((one) => one.classList.contains("paper"));
  return here ? here.closest("figure") : null;
}

const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function handle(one) {
  one.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    event.preventDefault();
    one.focus({ preventScroll: true });
    const box = one.getBoundingClientRect();
    const [dx, dy] = [event.clientX - box.left, event.clientY - box.top];
    let last = null;
    const go = () => {
      last = null;
      const figure = under(pointer.x, pointer.y) ?? figures[at.page];
      const { box: paper, scale } = measure(figure);
      move(figure, (pointer.x - dx - paper.left) / scale, (pointer.y - dy - paper.top) / scale);
      follow(one);
    };
    const pointer = { x: event.clientX, y: event.clientY };
    const moved = (next) => {
      pointer.x = next.clientX;
      pointer.y = next.clientY;
      // Near the edge of the view the pages move on, so that every page can be reached without letting go.
      const edge = 48;
      if (next.clientY < edge) sheet.scrollBy(0, -24), window.scrollBy(0, -24);
      if (next.clientY > window.innerHeight - edge) sheet.scrollBy(0, 24), window.scrollBy(0, 24);
      last ??= requestAnimationFrame(go);
    };
    const end = () => {
      document.removeEventListener("pointermove", moved);
      document.removeEventListener("pointerup", end);
      document.removeEventListener("pointercancel", end);
      document.body.classList.remove("dragging");
      if (last !== null) cancelAnimationFrame(last);
      go();
      ask(0);
    };
    document.addEventListener("pointermove", moved);
    document.addEventListener("pointerup", end);
    document.addEventListener("pointercancel", end);
    document.body.classList.add("dragging");
  });
  one.addEventListener("keydown", (event) => {
    const step = STEPS[event.key];
    const turn = { PageUp: -1, PageDown: 1 }[event.key];
    if (step) {
      event.preventDefault();
      const far = event.shiftKey ? 10 : event.altKey ? 0.1 : 1;
      move(figures[at.page], Number(field("x").value) + step[0] * far, Number(field("y").value) + step[1] * far);
    } else if (turn && figures[at.page + turn]) {
      event.preventDefault();
      move(figures[at.page + turn], Number(field("x").value), Number(field("y").value));
      figures[at.page].scrollIntoView({ block: "nearest" });
    } else {
      return;
    }
    follow(one);
    one.focus({ preventScroll: true });
    ask();
  });
}

// A click on a page puts the seal's middle there.
for (const figure of figures) {
  figure.querySelector(".paper").addEventListener("click", (event) => {
    if (mode() !== "at" || event.target.closest(".stamp")) return;
    const { box, scale } = measure(figure);
    move(figure, (event.clientX - box.left) / scale - MM_WIDE / 2, (event.clientY - box.top) / scale - MM_HIGH / 2);
    ask(0);
  });
}

function show() {
  for (const part of form.querySelectorAll("[data-mode]")) part.hidden = part.dataset.mode !== mode();
  sheet.dataset.mode = mode();
}

form.addEventListener("input", (event) => {
  if (event.target.name === "mode") show();
  if (event.target.name === "pages") {
    const first = /^\s*(\d+)/.exec(event.target.value);
    if (first && figures[Number(first[1]) - 1]) at.page = Number(first[1]) - 1;
  }
  if (["mode", "pages", "x", "y", "text", "occurrence", "dx", "dy", "edge", "along", "margin", "at_most"].includes(event.target.name)) ask();
});

for (const button of form.querySelectorAll("button[data-pages]")) {
  button.hidden = false;
  button.addEventListener("click", () => {
    field("pages").value = button.dataset.pages === "this" ? String(at.page + 1) : button.dataset.pages;
    ask(0);
  });
}

show();
ask(0);
