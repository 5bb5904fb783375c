// What lists share: sorting what is shown, copying, ticking all, and searches kept under a name. Each page works
// without it.

const english = document.documentElement.lang === "en";
const say = (chinese, englishWords) => (english ? englishWords : chinese);

const keyOf = (row, column) => {
  const cell = row.cells[column];
  if (!cell) return "";
  const time = cell.querySelector("time[datetime]");
  return cell.dataset.key ?? (time ? time.dateTime : cell.textContent.trim());
};

function sortBy(table, column, header) {
  const up = header.getAttribute("aria-sort") !== "ascending";
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", up ? "ascending" : "descending");
  const order = new Intl.Collator(document.documentElement.lang, { numeric: true });
  const rows = [...table.tBodies[0].rows];
  rows.sort((a, b) => order.compare(keyOf(a, column), keyOf(b, column)) * (up ? 1 : -1));
  table.tBodies[0].append(...rows);
}

for (const table of document.querySelectorAll("table.sortable")) {
  if (!table.tHead || !table.tBodies[0]) continue;
  [...table.tHead.rows[0].cells].forEach((header, column) => {
    if (header.classList.contains("tick") || header.textContent.trim() === "") return;
    const button = document.createElement("button");
    button.type = "button";
    button.append(...header.childNodes);
    header.append(button);
    header.dataset.sort = "";
    button.addEventListener("click", () => sortBy(table, column, header));
  });
}

for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const source = document.querySelector(button.dataset.copy);
    const words = button.textContent;
    try {
      await navigator.clipboard.writeText(source.value ?? source.textContent);
      button.textContent = say("已复制", "Copied");
    } catch {
      getSelection().selectAllChildren(source);
      button.textContent = say("已选中，请按 Ctrl+C", "Selected: press Ctrl+C");
    }
    setTimeout(() => (button.textContent = words), 2500);
  });
}

for (const all of document.querySelectorAll("input[data-all]")) {
  all.hidden = false;
  all.addEventListener("change", () => {
    for (const box of document.querySelectorAll(all.dataset.all)) box.checked = all.checked;
  });
}

// Searches kept in this browser: names and addresses of pages, never what was found.
for (const place of document.querySelectorAll("[data-saved]")) {
  const key = `yinxin-searches-${place.dataset.saved}`;
  const read = () => {
    try {
      const kept = JSON.parse(localStorage.getItem(key) || "[]");
      return kept.filter((one) => typeof one.name === "string" && /^\?[^<>"]*$/.test(one.query)).slice(0, 30);
    } catch {
      return [];
    }
  };
  const write = (kept) => {
    localStorage.setItem(key, JSON.stringify(kept));
    draw();
  };
  const list = place.querySelector(".chips");
  const draw = () => {
    list.replaceChildren(
      ...read().map((one) => {
        const chip = document.createElement("span");
        chip.className = "chip";
        const link = document.createElement("a");
        link.href = one.query;
        link.textContent = one.name;
        const drop = document.createElement("button");
        drop.type = "button";
        drop.textContent = "×";
        drop.setAttribute("aria-label", say(`删除“${one.name}”`, `Remove “${one.name}”`));
        drop.addEventListener("click", () => write(read().filter((other) => other.name !== one.name)));
        chip.append(link, drop);
        return chip;
      }),
    );
  };
  place.querySelector("form").addEventListener("submit", (event) => {
    event.preventDefault();
    const field = place.querySelector("input");
    const name = field.value.trim().slice(0, 40);
    if (name === "") return;
    const query = new URLSearchParams(location.search);
    for (const passing of ["after", "done", "lang"]) query.delete(passing);
    write([...read().filter((one) => one.name !== name), { name, query: `?${query}` }]);
    field.value = "";
  });
  place.hidden = false;
  draw();
}
