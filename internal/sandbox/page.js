'use strict';
(() => {
  const table = document.getElementById('requests');
  const rows = table.tBodies[0];
  const live = document.getElementById('live');
  const most = 200;
  let last = Number(table.dataset.last);
  let seen = 0;
  let sessionsDue = false;

  const cell = (text, name) => {
    const td = document.createElement('td');
    td.textContent = text;
    if (name) td.className = name;
    return td;
  };

  const add = (q) => {
    const row = document.createElement('tr');
    row.append(cell(q.time), cell(q.result, q.class), cell(q.method), cell(q.path, 'path'), cell(q.ms, 'number'));
    rows.prepend(row);
    while (rows.rows.length > most) rows.lastElementChild.remove();
  };

  // The page is asked for again and only its table of sessions is taken: the
  // server stays the one place that makes and escapes rows.
  const refreshSessions = async () => {
    if (!sessionsDue) return;
    sessionsDue = false;
    try {
      const answer = await fetch('/');
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
      const fresh = page.getElementById('sessions');
      if (fresh) document.getElementById('sessions').replaceChildren(...document.adoptNode(fresh).childNodes);
    } catch {
      sessionsDue = true;
    }
  };

  const source = new EventSource('/events?after=' + last);
  source.onopen = () => { live.textContent = 'Watching for requests.'; };
  source.onerror = () => { live.textContent = 'Not connected to the sandbox; trying again.'; };
  source.onmessage = (message) => {
    const news = JSON.parse(message.data);
    news.requests.forEach(add);
    seen += news.requests.length;
    sessionsDue = sessionsDue || news.requests.length > 0;
    for (const place of document.querySelectorAll('[data-count]')) {
      const text = String(news.totals[place.dataset.count]);
      if (place.textContent !== text) place.textContent = text;
    }
  };

  // A screen reader is told how many came, now and then; not each of them.
  setInterval(() => {
    if (seen > 0) live.textContent = seen === 1 ? '1 new request.' : seen + ' new requests.';
    seen = 0;
  }, 5000);
  setInterval(refreshSessions, 2000);
})();
