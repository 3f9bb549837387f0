// Shows what a mark of a figure says: under a pointer, at a tap, or, with a figure in focus, by the arrow keys.
(() => {
  "use strict";
  const NEAR = 14; // pixels around a mark that count as on it
  const tip = document.getElementById("_tip");
  let shown = null;

  function hide() {
    if (shown) shown.classList.remove("shown");
    shown = null;
    tip.textContent = "";
  }

  function show(mark) {
    if (mark === shown) return;
    hide();
    shown = mark;
    mark.classList.add("shown");
    tip.textContent = mark.dataset.tip;
    place();
  }

  function place() {
    if (!shown) return;
    const at = shown.getBoundingClientRect();
    const across = at.left + at.width / 2 - tip.offsetWidth / 2;
    const above = at.top - tip.offsetHeight - 8;
    tip.style.left = Math.max(6, Math.min(across, document.documentElement.clientWidth - tip.offsetWidth - 6)) + "px";
    tip.style.top = (above > 6 ? above : at.bottom + 8) + "px";
  }

  // The mark under the pointer, or the nearest one within reach: a point may be smaller than a finger.
  function markAt(marks, event) {
    const direct = event.target.closest(".mark");
    if (direct) return direct;
    let best = null, least = NEAR;
    for (const mark of marks) {
      const at = mark.getBoundingClientRect();
      const dx = Math.max(at.left - event.clientX, 0, event.clientX - at.right);
      const dy = Math.max(at.top - event.clientY, 0, event.clientY - at.bottom);
      const distance = Math.hypot(dx, dy);
      if (distance < least) [best, least] = [mark, distance];
    }
    return best;
  }

  for (const chart of document.querySelectorAll("svg.chart")) {
    const marks = [...chart.querySelectorAll(".mark")];
    if (!marks.length) continue;
    for (const mark of marks) {
      const title = mark.querySelector("title");
      mark.dataset.tip = title.textContent;
      title.remove(); // or the browser would show it a second time
    }
    chart.setAttribute("tabindex", "0");
    chart.setAttribute("aria-label", chart.getAttribute("aria-label") + " The arrow keys read its values.");
    const point = event => { const mark = markAt(marks, event); mark ? show(mark) : hide(); };
    chart.addEventListener("pointermove", point);
    chart.addEventListener("pointerdown", point);
    chart.addEventListener("pointerleave", event => { if (event.pointerType === "mouse") hide(); });
    chart.addEventListener("blur", hide);
    chart.addEventListener("keydown", event => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      const at = shown ? marks.indexOf(shown) : step > 0 ? -1 : 0;
      const next = marks[(at + step + marks.length) % marks.length];
      next.scrollIntoView({ block: "nearest", inline: "nearest" });
      show(next);
    });
  }
  document.addEventListener("keydown", event => { if (event.key === "Escape") hide(); });
  document.addEventListener("pointerdown", event => { if (!event.target.closest("svg.chart")) hide(); });
  addEventListener("scroll", place, { passive: true, capture: true }); // of the page, or of a figure within it
  addEventListener("resize", hide);
})();
