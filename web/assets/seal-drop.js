// Files dropped on a page go into its file field. A page whose field says so is sent on at once.

for (const drop of document.querySelectorAll(".drop[data-into]")) {
  const input = document.getElementById(drop.dataset.into);
  const sends = () => {
    if (input.files.length > 0 && input.dataset.send !== undefined) input.form.requestSubmit();
  };
  for (const kind of ["dragover", "dragenter"]) {
    drop.addEventListener(kind, (event) => {
      event.preventDefault();
      drop.classList.add("over");
    });
  }
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    const list = new DataTransfer();
    for (const file of event.dataTransfer.files) {
      if (list.items.length === 0 || input.multiple) list.items.add(file);
    }
    input.files = list.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  });
  input.addEventListener("change", sends);
}
