"use strict";
(() => {
  const box = document.getElementById("search");
  if (!box) return;
  const said = document.getElementById("found");
  const rows = Array.from(document.querySelectorAll("#failed tbody tr"));
  const texts = rows.map((row) => row.textContent.toLowerCase());
  const search = () => {
    const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    rows.forEach((row, i) => {
      row.hidden = !words.every((word) => texts[i].includes(word));
      if (!row.hidden) shown++;
    });
    said.textContent = words.length ? shown + " of " + rows.length + " shown" : "";
  };
  box.addEventListener("input", search);
  box.closest("p").hidden = false;
})();
