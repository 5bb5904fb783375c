// The account page: adding a passkey. Everything else there is a plain form.
"use strict";

(function () {
  const add = document.getElementById("add");
  if (add === null || !passkeys.possible) {
    return;
  }
  add.hidden = false;
  const said = document.getElementById("said");
  document.getElementById("add-key").addEventListener("click", async () => {
    const { challenge, domain, officer, name, csrf } = add.dataset;
    said.textContent = "";
    let made;
    try {
      made = await passkeys.create(challenge, domain, officer, name);
    } catch {
      said.textContent = said.dataset.none;
      return;
    }
    const called = document.getElementById("key-name").value || domain;
    const answer = await passkeys.send("/desk/account/passkeys", { ...made, name: called }, csrf);
    if (answer !== null && answer.ok) {
      window.location.assign(answer.body.next);
      return;
    }
    said.textContent = answer === null ? said.dataset.network : answer.body.detail || said.dataset.none;
  });
})();
