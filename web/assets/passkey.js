// Passkeys in the browser: bytes to base64url and back, and the two calls of WebAuthn.
"use strict";

const passkeys = (function () {
  function bytes(text) {
    const binary = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
    return Uint8Array.from(binary, (letter) => letter.charCodeAt(0));
  }

  function text(buffer) {
    let binary = "";
    for (const byte of new Uint8Array(buffer)) {
      binary += String.fromCharCode(byte);
    }
    return btoa(binary).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  }

  const possible = window.PublicKeyCredential !== undefined && window.isSecureContext;

  // A new passkey for an officer: who proves to be its owner on the device, ES256 only.
  async function create(challenge, domain, officer, name) {
    const made = await navigator.credentials.create({
      publicKey: {
        challenge: bytes(challenge),
        rp: { id: domain, name: "印信 Yinxin" },
        user: { id: new TextEncoder().encode(officer), name, displayName: name },
        pubKeyCredParams: [{ type: "public-key", alg: -7 }],
        authenticatorSelection: { residentKey: "required", userVerification: "required" },
        attestation: "none",
        timeout: 120000,
      },
    });
    return {
      client_data: text(made.response.clientDataJSON),
      authenticator_data: text(made.response.getAuthenticatorData()),
    };
  }

  async function show(challenge, domain) {
    const shown = await navigator.credentials.get({
      publicKey: { challenge: bytes(challenge), rpId: domain, userVerification: "required", timeout: 120000 },
    });
    return {
      credential: text(shown.rawId),
      client_data: text(shown.response.clientDataJSON),
      authenticator_data: text(shown.response.authenticatorData),
      signature: text(shown.response.signature),
    };
  }

  // Sends fields as a form; answers { ok, body }, or null when no answer came.
  async function send(address, fields, csrf) {
    const headers = { Accept: "application/json" };
    if (csrf) {
      headers["X-CSRF-Token"] = csrf;
    }
    try {
      const answer = await fetch(address, { method: "POST", headers, body: new URLSearchParams(fields), cache: "no-store" });
      const body = await answer.json().catch(() => ({}));
      return { ok: answer.ok, body };
    } catch {
      return null;
    }
  }

  return { possible, create, show, send };
})();
