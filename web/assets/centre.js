// The page of an archived key: shows what goes with the aim that is chosen. The page works without it.

const aims = [...document.querySelectorAll("input[name=aim]")];

function fit() {
  const chosen = aims.find((one) => one.checked)?.value ?? "";
  for (const part of document.querySelectorAll("[data-aim]")) {
    part.hidden = !part.dataset.aim.split(" ").includes(chosen);
  }
}

for (const one of aims) one.addEventListener("change", fit);
fit();
