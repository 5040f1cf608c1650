// What is wrong with the page as it is laid out now, as a list of texts:
// parts that reach beyond its sides, text without contrast (WCAG 2.2, AA),
// tables, pictures and fields without their names, headings out of order.
(() => {
  const faults = [];
  const about = (e) => e.tagName.toLowerCase() + (e.id ? '#' + e.id : '') + ' "' + e.textContent.trim().replace(/\s+/g, ' ').slice(0, 40) + '"';
  const all = (selector) => Array.from(document.querySelectorAll(selector));

  const root = document.documentElement;
  if (root.scrollWidth > root.clientWidth) faults.push('it is ' + root.scrollWidth + ' pixels wide, in a window of ' + root.clientWidth);
  const scrolls = (e) => e && (['auto', 'scroll'].includes(getComputedStyle(e).overflowX) || scrolls(e.parentElement));
  for (const e of all('body *')) {
    const box = e.getBoundingClientRect();
    if (box.width > 0 && box.right > root.clientWidth + 1 && !scrolls(e)) faults.push(about(e) + ' reaches to ' + box.right);
  }

  const rgba = (text) => {
    const n = text.match(/[\d.]+/g).map(Number);
    return n.length < 4 ? [...n, 1] : n;
  };
  const light = (c) => {
    const [r, g, b] = c.slice(0, 3).map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const c = rgba(getComputedStyle(e).backgroundColor);
      if (c[3] === 1) return c;
    }
    return [255, 255, 255, 1];
  };
  for (const e of all('body *')) {
    const speaks = Array.from(e.childNodes).some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!speaks || e.closest('script, style') || !e.checkVisibility()) continue;
    const style = getComputedStyle(e);
    const [a, b] = [light(rgba(style.color)), light(behind(e))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (contrast < (large ? 3 : 4.5)) faults.push(about(e) + ' has a contrast of ' + contrast.toFixed(2));
    if (size < 11) faults.push(about(e) + ' is ' + size + ' pixels high');
  }

  for (const e of all('table')) {
    if (!e.querySelector('thead th')) faults.push(about(e) + ' has no header');
    if (!e.caption && !e.closest('[aria-labelledby]')) faults.push(about(e) + ' has no name');
  }
  for (const e of all('th')) {
    if (!['col', 'row'].includes(e.getAttribute('scope'))) faults.push(about(e) + ' has no scope');
  }
  for (const e of all('svg, img')) {
    if (!e.closest('[aria-hidden=true]') && !e.getAttribute('aria-label') && !e.getAttribute('alt')) faults.push('a picture has no words');
  }
  for (const e of all('input:not([type=hidden]), select, textarea')) {
    if (!e.labels.length) faults.push(about(e) + ' has no label');
  }
  for (const e of all('[aria-labelledby], [aria-describedby]')) {
    for (const id of (e.getAttribute('aria-labelledby') || e.getAttribute('aria-describedby')).split(' ')) {
      if (!document.getElementById(id)) faults.push(about(e) + ' names ' + id + ', which is not there');
    }
  }
  const ids = all('[id]').map((e) => e.id);
  for (const id of new Set(ids.filter((id, i) => ids.indexOf(id) !== i))) faults.push('two elements have the id ' + id);
  let level = 0;
  for (const e of all('h1, h2, h3, h4, h5, h6')) {
    const next = Number(e.tagName[1]);
    if (next > level + 1) faults.push(about(e) + ' skips a level');
    level = next;
  }
  if (all('h1').length !== 1) faults.push('it has ' + all('h1').length + ' first headings');
  if (!root.lang || !document.title) faults.push('it has no language or no title');
  return faults;
})()
