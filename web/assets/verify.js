// The page that judges a file and its time-stamp. The file is hashed here, piece by piece; what is sent is its
// digest and the time-stamp. SM3 comes from sm3.js and SHA-256 is computed by this script, because browsers have no
// SM3 and give SHA-256 only to pages that came over TLS.
"use strict";

(function () {
  const byId = (id) => document.getElementById(id);
  const english = document.documentElement.lang === "en";
  const say = (chinese, englishWords) => (english ? englishWords : chinese);
  const MOST_TOKEN = 256 * 1024;
  const rotr = (x, n) => (x >>> n) | (x << (32 - n));

  const { digester, sm3 } = window.yinxin;

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
  ready();
})();
