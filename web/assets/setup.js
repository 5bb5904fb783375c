// The set-up page: turns the secret behind the # of the one-time link into a token. The secret is sent
// once, in the body of the claim; it is never part of an address that a server or proxy sees.
"use strict";

(function () {
  const byId = (id) => document.getElementById(id);
  const english = document.documentElement.lang === "en";
  const FILE = "admin.credential";
  let credential = null; // { token, root } while it is shown
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
    show(secret() === null ? "nosecret" : "ready");
  }

  async function claim() {
    const text = secret();
    if (text === null) {
      show("nosecret");
      return;
    }
    show("working");
    let answer;
    let body;
    try {
      answer = await fetch("/api/v1/officer/claim", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ secret: text, credential: "token" }),
        cache: "no-store",
        credentials: "omit",
        redirect: "error",
        referrerPolicy: "no-referrer",
        signal: AbortSignal.timeout(30000),
      });
      body = await answer.json();
    } catch {
      show("network");
      return;
    }
    if (answer.ok && typeof body.token === "string" && typeof body.server_root === "string") {
      succeed(body);
    } else if (body.code === "LINK_USED") {
      forgetSecret();
      show("used");
    } else {
      const words = body.message || {};
      byId("reason").textContent = (english ? words.en : words.zh) || String(answer.status);
      byId("code").textContent = body.code || String(answer.status);
      byId("request").textContent = body.request_id || "–";
      show("refused");
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
    button.addEventListener("click", claim);
  }
  window.addEventListener("hashchange", start);
  window.addEventListener("beforeunload", (event) => {
    if (!safe) {
      event.preventDefault();
    }
  });
  start();
})();
