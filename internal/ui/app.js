"use strict";
// The page is made by the server. This script posts what a person does, reads
// the page again when something has changed, keeps focus and what was typed
// meanwhile, and shows rows as they are scrolled to.

const $ = (id) => document.getElementById(id);
const writeToken = document.querySelector("meta[name=write-token]").content;

// make returns an element with text and attributes. Text never becomes markup.
function make(tag, text = "", attributes = {}) {
  const e = document.createElement(tag);
  e.textContent = text;
  for (const [name, value] of Object.entries(attributes)) e.setAttribute(name, value);
  return e;
}

function complain(text) {
  $("problem").textContent = text;
  $("problem").hidden = !text;
  if (text) $("problem").scrollIntoView({ block: "nearest" });
}

function say(text) { if ($("status").textContent !== text) $("status").textContent = text; }

// post does one thing on the server; the page then reads itself again.
async function post(path, values) {
  complain("");
  try {
    const answer = await fetch(path, { method: "POST", headers: { "X-Nermbulk-Token": writeToken }, body: new URLSearchParams(values) });
    const text = answer.ok ? "" : (await answer.text()).trim();
    await refresh();
    if (text) complain(text);
    return answer.ok;
  } catch {
    complain("nermbulk does not answer: it may have been ended. Start it again, and open the address that it prints.");
    return false;
  }
}

// --- reading the page again ---

let refreshing = null, wanted = false;

async function refresh() {
  wanted = true;
  refreshing ??= (async () => {
    while (wanted) {
      wanted = false;
      const answer = await fetch("/");
      if (!answer.ok) { complain((await answer.text()).trim()); break; }
      show(new DOMParser().parseFromString(await answer.text(), "text/html"));
    }
  })().finally(() => { refreshing = null; });
  return refreshing;
}

function show(fresh) {
  if (fresh.querySelector("meta[name=write-token]").content !== writeToken) return location.reload();
  const main = $("main"), before = main.dataset.step, focused = document.activeElement;
  document.title = fresh.title;
  morph(document.querySelector("header"), fresh.querySelector("header"));
  morph(main, fresh.getElementById("main"));
  begin();
  if (main.dataset.step !== before) {
    window.scrollTo(0, 0);
    const heading = main.querySelector("h2");
    heading.tabIndex = -1;
    heading.focus({ preventScroll: true });
  } else if (!focused.isConnected) {
    main.focus({ preventScroll: true });
  }
  const verdict = $("verdict");
  if (verdict) say(verdict.textContent);
}

// morph makes one element like another and keeps what need not change, so that
// focus and what was typed stay.
function morph(old, fresh) {
  for (const { name } of [...old.attributes])
    if (!fresh.hasAttribute(name) && name !== "tabindex" && !(name === "open" && old.tagName === "DETAILS")) old.removeAttribute(name);
  for (const { name, value } of fresh.attributes)
    if (old.getAttribute(name) !== value && !(name === "open" && old.tagName === "DETAILS")) old.setAttribute(name, value);
  if (old.matches(".grid")) return;
  const byID = new Map([...old.children].filter((e) => e.id).map((e) => [e.id, e]));
  const stays = new Set([...fresh.children].map((e) => e.id).filter((id) => byID.has(id)));
  let at = old.firstChild;
  const drop = () => { const next = at.nextSibling; at.remove(); at = next; };
  for (const child of [...fresh.childNodes]) {
    let match = child.id ? byID.get(child.id) : at && !at.id ? at : null;
    if (match?.nodeName !== child.nodeName) match = null;
    while (match && at && at !== match && !stays.has(at.id)) drop();
    if (!match) {
      old.insertBefore(document.importNode(child, true), at);
      continue;
    }
    if (match === at) at = at.nextSibling;
    else old.insertBefore(match, at);
    if (match.nodeType === Node.ELEMENT_NODE) morph(match, child);
    else if (match.data !== child.data) match.data = child.data;
  }
  while (at) drop();
}

// --- what a person does ---

document.addEventListener("submit", (event) => {
  const form = event.target.closest("form[data-form]");
  if (!form) return;
  event.preventDefault();
  const values = new FormData(form, event.submitter);
  busy(event.submitter, post(form.dataset.form, values).then((done) => {
    if (done) for (const secret of form.querySelectorAll("input[type=password]")) secret.value = "";
  }));
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.goto) return grids.get($("grid"))?.goTo(Number(button.dataset.goto), Number(button.dataset.column));
  const { post: path, ...values } = button.dataset;
  if (path) busy(button, post(path, values));
});

// busy keeps a button from being pressed twice. It stays focusable.
function busy(button, work) {
  button?.setAttribute("aria-disabled", "true");
  return work.finally(() => button?.removeAttribute("aria-disabled"));
}
for (const kind of ["click", "submit"]) document.addEventListener(kind, (event) => {
  const button = kind === "click" ? event.target.closest("button") : event.submitter;
  const again = event.detail > 1 && button?.closest("#confirm"); // a double click is no answer to what comes up under it
  if (button?.getAttribute("aria-disabled") !== "true" && !again) return;
  event.preventDefault();
  event.stopImmediatePropagation();
}, true);

// upload sends a file as it is. XMLHttpRequest says how far it has come.
function upload(file) {
  if (!file) return;
  complain("");
  const bar = $("upload"), request = new XMLHttpRequest();
  request.open("POST", "/upload?name=" + encodeURIComponent(file.name));
  request.setRequestHeader("X-Nermbulk-Token", writeToken);
  if (bar) bar.hidden = false;
  request.upload.onprogress = (e) => { if (bar && e.total) bar.value = e.loaded / e.total; };
  request.onload = () => refresh().then(() => { if (request.status >= 400) complain(request.responseText.trim()); });
  request.onerror = () => complain("The file could not be read to its end: choose it again.");
  request.onloadend = () => { if (bar) bar.hidden = true; };
  request.send(file);
}
document.addEventListener("change", (event) => {
  if (event.target.id === "file") { upload(event.target.files[0]); event.target.value = ""; }
});
for (const kind of ["dragover", "dragleave", "drop"]) document.addEventListener(kind, (event) => {
  if (!event.dataTransfer?.types.includes("Files")) return;
  event.preventDefault(); // else the browser would leave for the file
  $("drop")?.classList.toggle("over", kind === "dragover");
  if (kind === "drop" && $("drop")) upload(event.dataTransfer.files[0]);
});

// --- what goes on ---

let lastSaid = 0, revision = document.body.dataset.revision;

// follow takes the progress as it would be on the page.
function follow(html) {
  const live = $("progress");
  if (!live) return;
  morph(live, new DOMParser().parseFromString(html, "text/html").getElementById("progress"));
  if (Date.now() - lastSaid > 10000) { lastSaid = Date.now(); say(live.dataset.words); }
}

// A page that nobody looks at listens to nothing: a browser has few connections
// for all of its tabs.
let events = null;
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) return listen();
  events?.close();
  events = null;
});

function listen() {
  if (events || document.hidden) return;
  const stream = events = new EventSource("/events");
  stream.addEventListener("revision", (event) => {
    if (revision !== event.data) refresh();
    revision = event.data;
    document.body.dataset.live = "true";
  });
  stream.addEventListener("progress", (event) => follow(event.data));
  stream.onerror = () => {
    if (stream !== events) return;
    document.body.dataset.live = "false";
    setTimeout(() => { if (document.body.dataset.live === "false") complain("nermbulk does not answer. If it was ended, start it again and open the address that it prints; a run that was going on can be gone on with."); }, 3000);
    if (stream.readyState === EventSource.CLOSED) { events = null; setTimeout(listen, 2000); }
  };
  stream.onopen = () => { if (document.body.dataset.live === "false") complain(""); };
}

// --- rows, as they are scrolled to ---

const grids = new Map(); // by element
const block = 100; // rows that are asked for at once
const tallest = 8e6; // pixels that an element may be high in any browser

class Grid {
  constructor(root) {
    this.root = root;
    this.kind = root.dataset.grid;
    this.blocks = new Map();
    this.asked = new Set();
    this.total = 0;
    this.all = 0;
    this.active = { row: 0, column: 0 };
    this.build();
    this.reload();
  }

  build() {
    const id = this.root.id;
    this.search = make("input", "", { type: "search", id: id + "-search", autocomplete: "off", spellcheck: "false" });
    this.search.addEventListener("input", () => this.filterSoon());
    this.count = make("span", "", { class: "count", role: "status", id: id + "-count" });
    const bar = make("div", "", { class: "toolbar" });
    const part = (...parts) => { const e = make("span", "", { class: "part" }); e.append(...parts); bar.append(e); };
    part(make("label", "Search", { for: this.search.id }), this.search);
    this.part = part;
    this.choices = [];
    if (this.root.dataset.filter) this.choose("problems", "Show", [["", "all rows"], ["1", "rows with problems"]]);
    const list = (text) => (text || "").split(",").filter(Boolean).map((v) => [v, { patch: "would be sent" }[v] ?? v]);
    if (this.root.dataset.outcomes) this.choose("outcomes", "Show", [["", "all rows"], ...list(this.root.dataset.outcomes)]);
    if (this.root.dataset.fields) this.choose("fields", "Field", [["", "all fields"], ...list(this.root.dataset.fields)]);
    bar.append(this.count);
    this.scroller = make("div", "", { class: "scroller", tabindex: -1 });
    this.spacer = make("div", "", { class: "spacer" });
    this.table = make("table", "", { role: "grid", id: id + "-table", "aria-labelledby": this.root.dataset.labelledby, "aria-readonly": String(!this.root.dataset.edit) });
    this.head = make("thead");
    this.body = make("tbody");
    this.table.append(this.head, this.body);
    this.above = make("div");
    this.spacer.append(this.above, this.table);
    this.scroller.append(this.spacer);
    this.detail = make("div", "", { class: "detail", id: id + "-detail", role: "status" });
    this.root.append(bar, this.scroller, this.detail);
    this.scroller.addEventListener("scroll", () => { this.drawing ??= requestAnimationFrame(() => { this.drawing = null; this.draw(); }); });
    this.scroller.addEventListener("keydown", (e) => this.key(e));
    this.table.addEventListener("focusin", (e) => this.focused(e.target.closest("[data-column]")));
    this.table.addEventListener("dblclick", (e) => this.edit(e.target.closest("td")));
    new ResizeObserver(() => this.draw()).observe(this.scroller);
  }

  choose(name, label, choices) {
    const select = make("select", "", { id: `${this.root.id}-${name}`, "data-name": name });
    for (const [value, text] of choices) select.append(make("option", text, { value }));
    select.addEventListener("change", () => this.filterSoon());
    this.choices.push(select);
    this.part(make("label", label, { for: select.id }), select);
  }

  filterSoon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => { this.scroller.scrollTop = 0; this.active.row = 0; this.reload(); }, 200);
  }

  // reload forgets the rows, of another sheet or another filter, and asks for others.
  reload() {
    this.version = this.root.dataset.version;
    const top = this.height ? this.first() : 0; // which stays there when rows become higher
    this.height = [0, 33, 47, 72][this.root.dataset.lines];
    this.spacer.style.height = `${(this.total * this.height) / this.scale}px`;
    this.scroller.scrollTop = (top * this.height) / this.scale;
    this.generation = (this.generation ?? 0) + 1;
    this.blocks.clear();
    this.asked.clear();
    this.ask(Math.floor(this.first() / block));
  }

  address(more) {
    const query = new URLSearchParams({ grid: this.kind, version: this.version, search: this.search.value, ...more });
    for (const c of this.choices) if (c.value) query.set(c.dataset.name, c.value);
    return "/rows?" + query;
  }

  // read returns rows, or throws why there are none: the server's reason.
  async read(more) {
    const answer = await fetch(this.address(more));
    if (!answer.ok) throw new Error((await answer.text()).trim());
    const got = await answer.json();
    if (got.gone) throw new Error(got.gone);
    return got;
  }

  async ask(number) {
    if (number < 0 || this.asked.has(number) || !this.root.dataset.version) return;
    this.asked.add(number);
    const generation = this.generation;
    let got;
    try {
      got = await this.read({ from: number * block, rows: block });
      if (generation !== this.generation) return;
    } catch (e) {
      if (generation !== this.generation) return;
      this.asked.delete(number);
      this.count.textContent = e.message;
      return;
    }
    this.total = got.matching;
    this.all = got.all;
    this.blocks.set(number, got.rows ?? []);
    if (this.blocks.size > 40) { const oldest = this.blocks.keys().next().value; this.blocks.delete(oldest); this.asked.delete(oldest); }
    this.columns = got.columns;
    this.count.textContent = this.total === this.all ? `${this.all.toLocaleString("en")} rows` : `${this.total.toLocaleString("en")} of ${this.all.toLocaleString("en")} rows`;
    this.heads();
    this.draw();
  }

  heads() {
    const key = JSON.stringify(this.columns);
    if (key === this.headed) return;
    this.headed = key;
    const row = make("tr", "", { "aria-rowindex": 1 });
    this.columns.forEach((c, i) => {
      const cell = make("th", "", { scope: "col", class: c.lead ? "lead " + (c.class ?? "") : "", "aria-colindex": i + 1 });
      if (c.letter) cell.append(make("small", c.letter), " ");
      cell.append(c.name);
      row.append(cell);
    });
    this.head.replaceChildren(row);
    this.table.setAttribute("aria-colcount", this.columns.length);
  }

  // A sheet that would be higher than a browser can show is scrolled faster.
  get scale() { return Math.max(1, (this.total * this.height) / tallest); }
  first() { return Math.floor((this.scroller.scrollTop * this.scale) / this.height); }
  visible() { return Math.ceil(this.scroller.clientHeight / this.height); }
  // columnOf is where a problem is shown: one of the whole row at its number.
  columnOf(problem) { return this.columns.find((c) => c.letter && c.letter === problem.column) ?? this.columns[0]; }
  row(i) { return this.blocks.get(Math.floor(i / block))?.[i % block]; }

  draw() {
    if (!this.columns) return;
    const first = Math.max(0, Math.min(this.first(), this.total - this.visible())), from = Math.max(0, first - 6);
    const to = Math.min(this.total, first + this.visible() + 7);
    const high = (this.total * this.height) / this.scale, above = this.scale === 1 ? from * this.height
      : Math.max(0, Math.min(this.scroller.scrollTop - (first - from) * this.height, high - (to - from) * this.height));
    this.spacer.style.height = `${high + this.head.offsetHeight + 2}px`;
    this.above.style.height = `${above}px`;
    this.table.setAttribute("aria-rowcount", this.total + 1);
    for (let b = Math.floor(from / block); b <= Math.floor(Math.max(to - 1, 0) / block); b++) this.ask(b);
    const hadFocus = this.scroller.contains(document.activeElement);
    const rows = [];
    for (let i = from; i < to; i++) rows.push(this.makeRow(i));
    this.body.replaceChildren(...rows);
    this.setTabStop(hadFocus);
  }

  makeRow(i) {
    const data = this.row(i), row = make("tr", "", { "aria-rowindex": i + 2, "data-index": i });
    row.style.height = this.height + "px";
    if (!data) {
      row.append(make("td", "…", { colspan: this.columns.length, class: "soon" }));
      return row;
    }
    this.columns.forEach((c, column) => {
      const text = c.lead ? data.lead[column] : data.cells[c.index] ?? "";
      const cell = make(c.number ? "th" : "td", "", { "data-column": column, tabindex: -1, "aria-colindex": column + 1, class: [c.class, c.status && "tag " + text.replaceAll(" ", "-")].filter(Boolean).join(" ") });
      if (c.number) cell.setAttribute("scope", "row");
      cell.append(make("span", text, { class: "text" }));
      const wrong = (data.problems ?? []).filter((p) => this.columnOf(p) === c);
      if (wrong.length) {
        cell.classList.add(wrong.some((p) => p.severity === "error") ? "wrong" : "odd");
        cell.append(make("small", wrong.map((p) => p.message).join("; ")));
      }
      row.append(cell);
    });
    return row;
  }

  // setTabStop makes the active cell the one that Tab comes to. As long as its row
  // is not there, what scrolls has the focus for it.
  setTabStop(focus) {
    const active = this.body.querySelector(`tr[data-index="${this.active.row}"] [data-column="${this.active.column}"]`);
    (active ?? this.body.querySelector("[data-column]"))?.setAttribute("tabindex", 0);
    if (focus) (active ?? this.scroller).focus({ preventScroll: true });
  }

  focused(cell) {
    if (!cell) return;
    this.body.querySelector("[tabindex='0']")?.setAttribute("tabindex", -1);
    cell.tabIndex = 0;
    this.active = { row: Number(cell.parentElement.dataset.index), column: Number(cell.dataset.column) };
    this.explain();
  }

  // explain shows the whole of the active row's cell, which may be cut in the grid.
  explain() {
    const data = this.row(this.active.row), c = this.columns[this.active.column];
    if (!data || !c) return;
    const parts = [make("b", `Row ${data.number}, ${c.name}`), make("p", (c.lead ? data.lead[this.active.column] : data.cells[c.index]) || "(empty)")];
    for (const p of data.problems ?? []) {
      if (this.columnOf(p) !== c && !c.lead) continue;
      const line = make("p", p.message, { class: p.severity === "error" ? "wrong" : "odd" });
      parts.push(line);
      if (p.fix && this.root.dataset.edit && !c.lead) {
        const button = make("button", `Make it ${p.fix}`, { type: "button", class: "small", "data-post": "/correct", "data-row": data.number, "data-column": c.index, "data-text": p.fix });
        line.append(" ", button);
      }
    }
    if (this.root.dataset.edit && !c.lead) parts.push(make("p", "Press Enter, or click twice, to correct this cell.", { class: "hint" }));
    this.detail.replaceChildren(...parts);
  }

  key(event) {
    const step = { ArrowDown: [1, 0], ArrowUp: [-1, 0], ArrowRight: [0, 1], ArrowLeft: [0, -1], PageDown: [this.visible(), 0], PageUp: [-this.visible(), 0], Home: [0, -1e9], End: [0, 1e9] }[event.key];
    if ((event.key === "Enter" || event.key === "F2") && this.root.dataset.edit) {
      event.preventDefault();
      return this.edit(event.target.closest("td"));
    }
    if (!step || event.altKey || event.metaKey) return;
    event.preventDefault();
    let [rows, columns] = step;
    if (event.ctrlKey && columns) rows = columns * 1e9; // Ctrl+Home and Ctrl+End
    this.moveTo(this.active.row + rows, this.active.column + columns);
  }

  moveTo(row, column) {
    this.active = { row: Math.max(0, Math.min(row, this.total - 1)), column: Math.max(0, Math.min(column, this.columns.length - 1)) };
    const first = this.first(), visible = this.visible() - 2;
    if (this.active.row < first || this.active.row > first + visible) {
      const top = this.active.row < first ? this.active.row : this.active.row - visible;
      this.scroller.scrollTop = (top * this.height) / this.scale;
    }
    this.draw();
    this.setTabStop(true);
    this.body.querySelector("[tabindex='0']")?.scrollIntoView({ block: "nearest", inline: "nearest" });
    this.explain();
  }

  // goTo leads to a cell by the row's number.
  async goTo(number, index) {
    for (const c of [this.search, ...this.choices]) if (c.value) { c.value = ""; this.generation++; this.blocks.clear(); this.asked.clear(); }
    let got;
    try { got = await this.read({ at: number }); } catch (e) { return complain(e.message); }
    this.total = got.matching;
    await this.ask(Math.floor(got.from / block));
    const column = this.columns.findIndex((c) => !c.lead && c.index === index);
    this.scroller.scrollIntoView({ block: "center" });
    this.moveTo(got.from, Math.max(0, column));
  }

  async edit(cell) {
    if (!cell || !this.root.dataset.edit) return;
    const c = this.columns[Number(cell.dataset.column)], index = Number(cell.parentElement.dataset.index);
    if (!c || c.lead) return;
    let got;
    try { got = await this.read({ from: index, rows: 1, whole: 1 }); } catch (e) { return complain(e.message); }
    const row = got.rows[0], wrong = (row.problems ?? []).filter((p) => this.columnOf(p) === c);
    openEditor({ row: row.number, column: c.index, name: c.name, text: row.cells[c.index] ?? "", wrong, grid: this, choices: got.columns.find((o) => !o.lead && o.index === c.index)?.choices ?? [] });
  }
}

// --- the editor of one cell ---

let edited = null;

function openEditor(cell) {
  edited = cell;
  $("editor-title").textContent = `Correct row ${cell.row}, ${cell.name}`;
  $("editor-message").textContent = cell.wrong.map((p) => p.message).join("; ");
  $("editor-text").value = cell.text;
  const fix = cell.wrong.find((p) => p.fix)?.fix;
  $("editor-fix").hidden = !fix;
  $("editor-fix").textContent = `Make it ${fix}`;
  $("editor-fix").onclick = () => { $("editor-text").value = fix; save(); };
  $("editor-choose").hidden = !cell.choices.length;
  $("editor-choices").replaceChildren(make("option", "choose …", { value: "" }), ...cell.choices.map((c) => make("option", c, { value: c })));
  $("editor").showModal();
  $("editor-text").focus();
  $("editor-text").select();
}

async function save() {
  const { row, column, grid } = edited;
  $("editor").close();
  if (await post("/correct", { row, column, text: $("editor-text").value })) say(`Row ${row} corrected; the sheet is checked again.`);
  grid.setTabStop(true);
}

$("editor-form").addEventListener("submit", (event) => { event.preventDefault(); save(); });
$("editor-choices").addEventListener("change", (event) => { if (event.target.value) $("editor-text").value = event.target.value; });
$("editor-cancel").addEventListener("click", () => $("editor").close());
$("editor-text").addEventListener("keydown", (event) => { if (event.key === "Enter" && !event.shiftKey) { event.preventDefault(); save(); } });
$("editor").addEventListener("close", () => edited?.grid.setTabStop(true));

// begin brings new parts of the page to life.
function begin() {
  for (const root of document.querySelectorAll(".grid")) {
    const grid = grids.get(root);
    if (!grid) grids.set(root, new Grid(root));
    else if (root.dataset.version && grid.version !== root.dataset.version) grid.reload();
  }
  for (const root of grids.keys()) if (!root.isConnected) grids.delete(root);
}

begin();
listen();
