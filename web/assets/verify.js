// The page that judges a file and its time-stamp. The file is hashed here, piece by piece; what is sent is its
// digest and the time-stamp. SM3 and SHA-256 are computed by this script, because browsers have no SM3 and give
// SHA-256 only to pages that came over TLS.
"use strict";

(function () {
  const byId = (id) => document.getElementById(id);
  const english = document.documentElement.lang === "en";
  const say = (chinese, englishWords) => (english ? englishWords : chinese);
  const MOST_TOKEN = 256 * 1024;
  const rotl = (x, n) => (x << n) | (x >>> (32 - n));
  const rotr = (x, n) => (x >>> n) | (x << (32 - n));

  // Both are Merkle-Damgård over blocks of 64 octets with the same padding; they differ in start and compression.
  function digester(start, compress) {
    const state = Uint32Array.from(start);
    const block = new Uint8Array(64);
    let filled = 0;
    let length = 0;
    const take = (bytes) => {
      for (let at = 0; at < bytes.length; ) {
        const part = bytes.subarray(at, at + 64 - filled);
        block.set(part, filled);
        filled += part.length;
        at += part.length;
        if (filled === 64) {
          compress(state, new DataView(block.buffer));
          filled = 0;
        }
      }
    };
    return {
      update(bytes) {
        length += bytes.length;
        take(bytes);
      },
      finish() {
        const bits = length * 8;
        const pad = new Uint8Array((filled < 56 ? 56 : 120) - filled + 8);
        pad[0] = 0x80;
        const view = new DataView(pad.buffer);
        view.setUint32(pad.length - 8, Math.floor(bits / 0x100000000));
        view.setUint32(pad.length - 4, bits >>> 0);
        take(pad);
        const out = new DataView(new ArrayBuffer(32));
        state.forEach((word, place) => out.setUint32(place * 4, word));
        return new Uint8Array(out.buffer);
      },
    };
  }

  // GB/T 32905-2016.
  function sm3() {
    const p0 = (x) => x ^ rotl(x, 9) ^ rotl(x, 17);
    const p1 = (x) => x ^ rotl(x, 15) ^ rotl(x, 23);
    const w = new Uint32Array(68);
    return digester(
      [0x7380166f, 0x4914b2b9, 0x172442d7, 0xda8a0600, 0xa96f30bc, 0x163138aa, 0xe38dee4d, 0xb0fb0e4e],
      (v, block) => {
        for (let j = 0; j < 16; j++) w[j] = block.getUint32(j * 4);
        for (let j = 16; j < 68; j++) {
          w[j] = p1(w[j - 16] ^ w[j - 9] ^ rotl(w[j - 3], 15)) ^ rotl(w[j - 13], 7) ^ w[j - 6];
        }
        let [a, b, c, d, e, f, g, h] = v;
        for (let j = 0; j < 64; j++) {
          const t = j < 16 ? 0x79cc4519 : 0x7a879d8a;
          const ss1 = rotl((rotl(a, 12) + e + rotl(t, j % 32)) | 0, 7);
          const ss2 = ss1 ^ rotl(a, 12);
          const ff = j < 16 ? a ^ b ^ c : (a & b) | (a & c) | (b & c);
          const gg = j < 16 ? e ^ f ^ g : (e & f) | (~e & g);
          const tt1 = (ff + d + ss2 + (w[j] ^ w[j + 4])) | 0;
          const tt2 = (gg + h + ss1 + w[j]) | 0;
          d = c;
          c = rotl(b, 9);
          b = a;
          a = tt1;
          h = g;
          g = rotl(f, 19);
          f = e;
          e = p0(tt2);
        }
        [a, b, c, d, e, f, g, h].forEach((word, place) => {
          v[place] ^= word;
        });
      },
    );
  }

  // FIPS 180-4; the constants are the fractions of the cube and square roots of the first primes.
  const primes = [];
  for (let n = 2; primes.length < 64; n++) {
    if (primes.every((p) => n % p !== 0)) primes.push(n);
  }
  const fraction = (x) => Math.floor((x - Math.floor(x)) * 0x100000000);
  const K = Uint32Array.from(primes.map((p) => fraction(Math.cbrt(p))));
  function sha256() {
    const w = new Uint32Array(64);
    return digester(
      primes.slice(0, 8).map((p) => fraction(Math.sqrt(p))),
      (v, block) => {
        for (let j = 0; j < 16; j++) w[j] = block.getUint32(j * 4);
        for (let j = 16; j < 64; j++) {
          const s0 = rotr(w[j - 15], 7) ^ rotr(w[j - 15], 18) ^ (w[j - 15] >>> 3);
          const s1 = rotr(w[j - 2], 17) ^ rotr(w[j - 2], 19) ^ (w[j - 2] >>> 10);
          w[j] = w[j - 16] + s0 + w[j - 7] + s1;
        }
        let [a, b, c, d, e, f, g, h] = v;
        for (let j = 0; j < 64; j++) {
          const t1 = (h + (rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25)) + ((e & f) ^ (~e & g)) + K[j] + w[j]) | 0;
          const t2 = ((rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
          [h, g, f, e, d, c, b, a] = [g, f, e, (d + t1) | 0, c, b, a, (t1 + t2) | 0];
        }
        [a, b, c, d, e, f, g, h].forEach((word, place) => {
          v[place] += word;
        });
      },
    );
  }

  async function digestOf(file, hash) {
    if (hash === "sm3" || hash === "sha256") {
      const making = hash === "sm3" ? sm3() : sha256();
      const reader = file.stream().getReader();
      let done = 0;
      for (;;) {
        const { value, done: end } = await reader.read();
        if (end) return making.finish();
        making.update(value);
        done += value.length;
        tell(say("正在计算摘要：", "Hashing: ") + Math.floor((done / Math.max(file.size, 1)) * 100) + "%");
      }
    }
    const name = { sha384: "SHA-384", sha512: "SHA-512" }[hash];
    if (name === undefined || !window.crypto || !window.crypto.subtle) return null;
    return new Uint8Array(await window.crypto.subtle.digest(name, await file.arrayBuffer()));
  }

  const base64 = (bytes) => {
    let text = "";
    for (const octet of bytes) text += String.fromCharCode(octet);
    return btoa(text);
  };

  async function ask(question) {
    const answer = await fetch("/verify/judge", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(question),
      cache: "no-store",
      credentials: "omit",
      redirect: "error",
    });
    const body = await answer.json();
    if (!answer.ok) throw new Error((english ? body.message.en : body.message.zh) + (body.detail ? " " + body.detail : ""));
    return body;
  }

  function tell(text) {
    byId("said").textContent = text;
  }

  function show(verdict) {
    const words = {
      valid: say("有效：文件在该时刻已经存在，此后未被更改。", "Valid: the file existed at that moment and was not changed since."),
      invalid: say("无效。", "Not valid."),
      undecided: say("无法判定。", "It cannot be decided."),
    };
    const section = byId("verdict");
    section.className = "sheet " + verdict.judgement;
    byId("judgement").textContent = words[verdict.judgement];
    byId("time").textContent = verdict.time;
    byId("serial").textContent = verdict.serial;
    byId("hash").textContent = verdict.hash === null ? "?" : verdict.hash.toUpperCase();
    const checks = byId("checks");
    checks.replaceChildren();
    for (const finding of verdict.findings) {
      const item = document.createElement("li");
      item.className = finding.result;
      const name = document.createElement("b");
      name.textContent = english ? finding.check : finding.name_zh;
      const text = document.createElement("span");
      text.textContent = english ? finding.en : finding.zh;
      item.append(name, text);
      checks.append(item);
    }
    section.hidden = false;
    // Moves a screen reader to what is new.
    byId("judgement").focus();
  }

  async function judge() {
    const [data, file] = [byId("data").files[0], byId("token").files[0]];
    byId("verdict").hidden = true;
    byId("judge").disabled = true;
    try {
      if (file.size > MOST_TOKEN) throw new Error(say("这不是时间戳。", "This is no time-stamp."));
      const token = base64(new Uint8Array(await file.arrayBuffer()));
      // First without a digest: the answer says by which hash the file is to be measured.
      let verdict = await ask({ token });
      if (verdict.hash !== null) {
        const digest = await digestOf(data, verdict.hash);
        if (digest === null) throw new Error(say("此摘要算法需通过 https 打开本页。", "Open this page over https for this hash."));
        verdict = await ask({ token, digest: base64(digest) });
      }
      tell("");
      show(verdict);
    } catch (error) {
      tell(say("未能验证：", "It could not be judged: ") + error.message);
    }
    ready();
  }

  function ready() {
    byId("judge").disabled = byId("data").files.length === 0 || byId("token").files.length === 0;
  }

  function put(input, file) {
    const list = new DataTransfer();
    list.items.add(file);
    input.files = list.files;
  }

  const drop = byId("drop");
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
    for (const file of event.dataTransfer.files) {
      put(byId(/\.(tsr|tst|token)$/i.test(file.name) ? "token" : "data"), file);
    }
    ready();
  });
  for (const id of ["data", "token"]) byId(id).addEventListener("change", ready);
  byId("judge").addEventListener("click", judge);
  // For a test that runs this script outside a browser.
  if (typeof window.yinxinDigests === "object") Object.assign(window.yinxinDigests, { sm3, sha256 });
  ready();
})();
