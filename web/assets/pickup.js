// The page a holder's link leads to. The secret behind the # is sent in the body of calls and never in an address.
import { makeKey } from "./der.js";
import { offer } from "./p12.js";
import { octets, repacked } from "./envelope.js";

const byId = (id) => document.getElementById(id);
const english = document.documentElement.lang === "en";
const secret = /^#([A-Za-z0-9_-]{16,200})$/.exec(location.hash)?.[1];
let known = null;
let failures = 0;
/** The key that this page made, PEM; gone with the page. */
let held = null;

function show(state) {
  byId("wait").hidden = true;
  for (const part of document.querySelectorAll("[data-state]")) {
    const wanted = part.dataset.state === state;
    if (wanted && part.hidden) {
      part.hidden = false;
      part.querySelector("[tabindex]").focus();
    }
    part.hidden = !wanted;
  }
}

async function call(verb, body) {
  const answer = await fetch(`/api/v1/pickup/${verb}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ secret, ...body }),
    cache: "no-store",
    credentials: "omit",
    redirect: "error",
    referrerPolicy: "no-referrer",
  });
  return [answer.status, await answer.json()];
}

function tell(info) {
  known = info;
  failures = 0;
  byId("what").hidden = false;
  byId("subject").textContent = info.subject;
  byId("sans").textContent = info.sans.join(", ");
  byId("profile").textContent = info.profile;
  const until = new Date(info.until);
  byId("until").textContent = until.toLocaleString(document.documentElement.lang);
  byId("until").title = info.until;
  for (const part of document.querySelectorAll("[data-key]")) part.hidden = !info.keys.includes(part.dataset.key);
  if (info.state === "invited") show("invited");
  else if (info.state === "issued") {
    byId("p12-held").hidden = held === null;
    show("issued");
    if (info.pair) deliver();
  } else if (info.state === "rejected" || info.state === "failed") {
    byId("why").textContent = info.reason || "";
    show("ended");
  } else {
    show("waits");
    setTimeout(look, 5000);
  }
}

/** The other half of a pair, and its key in the envelope. */
async function deliver() {
  const [status, delivery] = await call("deliver", {});
  if (status !== 200) return;
  const envelope = octets(delivery.envelope);
  const files = {
    "save-response": ["csrresponse.der", octets(delivery.csr_response)],
    "save-encryption": ["encryption.pem", delivery.pair.encryption.certificate],
    "save-envelope": ["encryption.key", envelope],
    "save-skf": ["encryption.skf", repacked(envelope)],
  };
  for (const [button, [name, content]] of Object.entries(files)) byId(button).onclick = () => save(name, content);
  byId("pair").hidden = false;
}

async function look() {
  try {
    const [status, body] = await call("show", {});
    if (status === 200) tell(body);
    else show(status === 429 || status >= 500 ? "network" : "bad");
  } catch {
    // A page that already waits tries again a few times before it says so.
    if (known !== null && ++failures < 5) setTimeout(look, 5000);
    else show("network");
  }
}

function refuse(problem) {
  const place = byId("refused");
  const words = document.createElement("p");
  const bold = document.createElement("b");
  bold.textContent = english ? problem.message.en : problem.message.zh;
  words.append(bold);
  const detail = document.createElement("p");
  detail.textContent = [problem.detail, ...(problem.findings || []).map((one) => one.detail)].filter(Boolean).join("; ");
  place.replaceChildren(words, detail);
  place.hidden = false;
}

async function send(csr) {
  byId("refused").hidden = true;
  try {
    const [status, body] = await call("send", { csr });
    if (status === 200) tell(body);
    else refuse(body);
  } catch {
    show("network");
  }
}

function save(name, text) {
  const url = URL.createObjectURL(new Blob([text], { type: typeof text === "string" ? "application/x-pem-file" : "application/octet-stream" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60000);
}

byId("make").addEventListener("click", async () => {
  byId("make").disabled = true;
  const made = await makeKey();
  held = made.key;
  save("key.pem", held);
  await send(made.request);
  byId("make").disabled = false;
});
byId("send").addEventListener("submit", (event) => {
  event.preventDefault();
  send(byId("csr").value);
});
byId("save-cert").addEventListener("click", () => save("cert.pem", known.certificate));
byId("save-chain").addEventListener("click", () => save("chain.pem", known.chain));
offer(byId("p12-form"), async () => known.certificate + known.chain, () => held);

// The other language is another page; the secret goes with the reader, behind the #.
const language = byId("language");
if (language) language.href = language.getAttribute("href").split("#")[0] + location.hash;

if (secret === undefined) {
  show("bad");
} else {
  byId("wait").hidden = false;
  look();
}
