// The set-up page: turns the secret behind the # of the one-time link into a password, a passkey or a token.
// The secret is sent in bodies only; it is never part of an address that a server or proxy sees.
"use strict";

(function () {
  const byId = (id) => document.getElementById(id);
  const english = document.documentElement.lang === "en";
  const FILE = "admin.credential";
  let credential = null; // { token, root } while it is shown
  let invited = null; // what the link is for
  let safe = true; // false while closing the page would lose the token

  function show(state) {
    for (const section of document.querySelectorAll("[data-state]")) {
      section.hidden = section.dataset.state !== state;
      if (!section.hidden) {
        // Moves a screen reader to what is new.
        section.querySelector("h1").focus();
      }
    }
    // Another language means another page, and a token is shown once.
    byId("language").hidden = state === "working" || state === "success";
  }

  function secret() {
    const text = window.location.hash.slice(1);
    return /^[A-Za-z0-9_-]{16,200}$/.test(text) ? text : null;
  }

  function start() {
    if (credential !== null) {
      return;
    }
    const link = byId("language");
    link.href = link.getAttribute("href").split("#")[0] + window.location.hash;
    if (secret() === null) {
      show("nosecret");
    } else {
      ask();
    }
  }

  // Who was invited. Asking does not use the link up.
  async function ask() {
    const answer = await call("officer/invited", { secret: secret() });
    if (answer === null) {
      show("network");
    } else if (!answer.ok) {
      refuse(answer);
    } else {
      invited = answer.body;
      byId("who").textContent = invited.name;
      byId("as").textContent = byId("as").getAttribute("data-" + invited.role) || invited.role;
      // Nobody named the first administrator.
      byId("naming").hidden = invited.name !== "Administrator";
      byId("totp").textContent = invited.totp;
      const side = invited.totp_size + 8;
      byId("qr").setAttribute("viewBox", "-4 -4 " + side + " " + side);
      byId("qr-light").setAttribute("d", "M-4 -4h" + side + "v" + side + "h-" + side + "z");
      byId("qr-dark").setAttribute("d", invited.totp_path);
      byId("with-passkey").hidden = !passkeys.possible || /^[0-9.]+$|:/.test(window.location.hostname);
      show("ready");
    }
  }

  async function call(name, body) {
    try {
      const answer = await fetch("/api/v1/" + name, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(body),
        cache: "no-store",
        credentials: "omit",
        redirect: "error",
        signal: AbortSignal.timeout(30000),
      });
      return { ok: answer.ok, status: answer.status, body: await answer.json() };
    } catch {
      return null;
    }
  }

  function refuse(answer) {
    const body = answer.body;
    if (body.code === "LINK_USED") {
      forgetSecret();
      show("used");
      return;
    }
    const words = body.message || {};
    byId("reason").textContent = body.detail || (english ? words.en : words.zh) || String(answer.status);
    byId("code-of-error").textContent = body.code || String(answer.status);
    byId("request").textContent = body.request_id || "–";
    show("refused");
  }

  // A password or a passkey: signed in then, and on to the desk.
  async function comeIn(fields) {
    byId("wrong").hidden = true;
    const answer = await passkeys.send("/setup/claim", { secret: secret(), person: byId("person").value, ...fields });
    if (answer === null) {
      show("network");
    } else if (answer.ok) {
      forgetSecret();
      window.location.assign(answer.body.next);
    } else if (answer.body.code === "LINK_USED") {
      forgetSecret();
      show("used");
    } else {
      const words = answer.body.message || {};
      byId("wrong").textContent = answer.body.detail || (english ? words.en : words.zh);
      byId("wrong").hidden = false;
      byId("wrong").scrollIntoView({ block: "center" });
    }
  }

  async function withPassword(event) {
    event.preventDefault();
    const value = (id) => byId(id).value;
    await comeIn({
      how: "password",
      login: value("login"),
      password: value("password"),
      totp: invited.totp,
      code: value("code"),
    });
  }

  async function withPasskey() {
    byId("how").textContent = "";
    let made;
    try {
      const domain = window.location.hostname;
      made = await passkeys.create(invited.challenge, domain, invited.officer, invited.name);
    } catch {
      byId("how").textContent = byId("how").dataset.none;
      return;
    }
    await comeIn({ how: "passkey", name: navigator.platform || window.location.hostname, ...made });
  }

  async function claim() {
    const text = secret();
    if (text === null) {
      show("nosecret");
      return;
    }
    show("working");
    const answer = await call("officer/claim", { secret: text, credential: "token" });
    if (answer === null) {
      show("network");
    } else if (answer.ok && typeof answer.body.token === "string" && typeof answer.body.server_root === "string") {
      succeed(answer.body);
    } else {
      refuse(answer);
    }
  }

  function succeed(added) {
    credential = { token: added.token, root: added.server_root };
    safe = false;
    forgetSecret();
    byId("officer").textContent = added.officer;
    byId("role").textContent = byId("role").getAttribute("data-" + added.role) || added.role;
    byId("token").value = added.token;
    byId("command").textContent =
      "chmod 600 " + FILE + "\nyinxin --server " + window.location.origin + " --as " + FILE + " status";
    show("success");
  }

  // The link is spent: nothing of it needs to stay in the address bar.
  function forgetSecret() {
    window.history.replaceState(null, "", window.location.pathname + window.location.search);
  }

  function download() {
    // As the command line writes it: comments, a line with the token, the server's root.
    const text =
      "# Yinxin credential: whoever has this file can act as its owner.\n# Use: yinxin --server " +
      window.location.origin + " --as " + FILE + " …\ntoken " + credential.token + "\n" +
      credential.root.trimEnd() + "\n";
    const address = URL.createObjectURL(new Blob([text], { type: "application/octet-stream" }));
    const link = document.createElement("a");
    link.href = address;
    link.download = FILE;
    document.body.append(link);
    link.click();
    link.remove();
    window.setTimeout(() => URL.revokeObjectURL(address), 10000);
    say("downloaded");
    safe = true;
  }

  async function copy(id) {
    const source = byId(id);
    const isToken = id === "token";
    try {
      await navigator.clipboard.writeText(isToken ? source.value : source.textContent);
      say("copied");
      safe = safe || isToken;
    } catch {
      if (isToken) {
        source.select();
      } else {
        window.getSelection().selectAllChildren(source);
      }
      say("selected");
    }
  }

  function say(what) {
    const said = byId("said");
    // Emptied first, so that the same words are announced again.
    said.textContent = "";
    window.setTimeout(() => {
      said.textContent = said.dataset[what];
    }, 50);
  }

  function clear() {
    if (!safe && !window.confirm(byId("said").dataset.sure)) {
      return;
    }
    credential = null;
    safe = true;
    byId("token").value = "";
    for (const id of ["officer", "role", "command", "said"]) {
      byId(id).textContent = "";
    }
    show("done");
  }

  byId("password-form").addEventListener("submit", withPassword);
  byId("passkey").addEventListener("click", withPasskey);
  byId("claim").addEventListener("click", claim);
  byId("download").addEventListener("click", download);
  byId("token").addEventListener("copy", () => {
    safe = true;
  });
  byId("saved").addEventListener("click", clear);
  for (const button of document.querySelectorAll("[data-copy]")) {
    button.addEventListener("click", () => copy(button.dataset.copy));
  }
  for (const button of document.querySelectorAll("[data-retry]")) {
    button.addEventListener("click", start);
  }
  window.addEventListener("hashchange", start);
  window.addEventListener("beforeunload", (event) => {
    if (!safe) {
      event.preventDefault();
    }
  });
  start();
})();
