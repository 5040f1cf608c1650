'use strict';
(() => {
  const live = document.getElementById('live');
  const part = (id, of) => of.getElementById(id);
  const count = () => Number(part('requests', document).dataset.total);
  let connected = false;
  let fresh = 0;

  // The page is asked for again and its parts are taken over: the server stays
  // the one place that makes and escapes rows.
  const refresh = async () => {
    try {
      const before = count();
      const answer = await fetch('/?after=' + before, { signal: AbortSignal.timeout(5000) });
      if (!answer.ok) throw new Error(answer.statusText);
      if (answer.status === 200) {
        const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
        for (const id of ['counts', 'faults', 'requests', 'sessions']) {
          part(id, document).replaceWith(document.adoptNode(part(id, page)));
        }
        fresh += Math.max(0, count() - before);
      }
      if (!connected) live.textContent = 'Watching for requests.';
      connected = true;
    } catch {
      live.textContent = 'Not connected to the sandbox; trying again.';
      connected = false;
    }
    setTimeout(refresh, 500);
  };
  refresh();

  // A screen reader hears how many came, now and then; not each of them.
  setInterval(() => {
    if (fresh > 0) live.textContent = fresh === 1 ? '1 new request.' : fresh + ' new requests.';
    fresh = 0;
  }, 5000);
})();
