// For every page of the desk: times in the reader's zone, the time in UTC on hover. Pages work without it.
"use strict";

(function () {
  const two = (number) => String(number).padStart(2, "0");
  let changed = false;
  for (const time of document.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    if (time.dateTime.includes("T") && !Number.isNaN(at.getTime())) {
      time.title = at.toISOString().slice(0, 19).replace("T", " ") + " UTC";
      time.textContent =
        at.getFullYear() + "-" + two(at.getMonth() + 1) + "-" + two(at.getDate()) + " " +
        two(at.getHours()) + ":" + two(at.getMinutes()) +
        (time.dataset.seconds === undefined ? "" : ":" + two(at.getSeconds()));
      changed = true;
    }
  }
  const zone = document.getElementById("zone");
  if (changed && zone !== null) {
    const parts = new Intl.DateTimeFormat("en", { timeZoneName: "shortOffset" }).formatToParts(new Date());
    zone.textContent = zone.dataset.words + " " + (parts.find((part) => part.type === "timeZoneName") || {}).value;
    zone.hidden = false;
  }

  // Buttons that copy a field.
  for (const button of document.querySelectorAll("button[data-copy][data-copied]")) {
    button.addEventListener("click", async () => {
      const field = document.getElementById(button.dataset.copy);
      try {
        await navigator.clipboard.writeText(field.value ?? field.textContent);
        button.textContent = button.dataset.copied;
      } catch {
        field.select?.();
      }
    });
  }

  // A form is sent once, however often its button is pressed.
  for (const sent of document.querySelectorAll("form[method=post]")) {
    sent.addEventListener("submit", (event) => {
      if (sent.dataset.sent !== undefined) {
        event.preventDefault();
        return;
      }
      sent.dataset.sent = "";
      sent.setAttribute("aria-busy", "true");
    });
  }
  // Back to a page that was kept in memory: its forms may be sent again.
  window.addEventListener("pageshow", () => {
    for (const sent of document.querySelectorAll("form[data-sent]")) {
      delete sent.dataset.sent;
      sent.removeAttribute("aria-busy");
    }
  });
})();
