// Tabs as the ARIA Authoring Practices have them: arrows, Home and End move between them.
export function tabs(list, selected) {
  const all = [...list.querySelectorAll("[role=tab]")];
  const select = (tab) => {
    for (const t of all) {
      t.ariaSelected = String(t === tab);
      t.tabIndex = t === tab ? 0 : -1;
      document.getElementById(t.getAttribute("aria-controls")).hidden = t !== tab;
    }
    selected(tab.getAttribute("aria-controls"));
  };
  for (const tab of all) tab.onclick = () => select(tab);
  list.onkeydown = (event) => {
    const i = all.indexOf(document.activeElement);
    const to = { ArrowRight: i + 1, ArrowLeft: i - 1 + all.length, Home: 0, End: all.length - 1 }[event.key];
    if (to === undefined || i < 0) return;
    event.preventDefault();
    all[to % all.length].focus();
    select(all[to % all.length]);
  };
}
