// The sign-in page: the button for passkeys. The form works without this.
"use strict";

(function () {
  const button = document.getElementById("passkey");
  if (button === null || !passkeys.possible) {
    return;
  }
  const said = document.getElementById("said");
  document.querySelector("[data-passkey]").hidden = false;
  button.addEventListener("click", async () => {
    said.textContent = "";
    button.disabled = true;
    let shown;
    try {
      shown = await passkeys.show(button.dataset.challenge, button.dataset.domain);
    } catch {
      said.textContent = said.dataset.none;
      button.disabled = false;
      return;
    }
    const answer = await passkeys.send("/signin/passkey", { ...shown, next: button.dataset.next });
    if (answer !== null && answer.ok) {
      window.location.assign(answer.body.next);
      return;
    }
    said.textContent = answer === null ? said.dataset.network : said.dataset.refused;
    button.disabled = false;
  });
})();
