// The two editors: the config, and its translation, which cannot be changed.
import { EditorState, StateEffect, StateField, Compartment } from "@codemirror/state";
import { EditorView, Decoration, keymap, lineNumbers, highlightSpecialChars, drawSelection, placeholder } from "@codemirror/view";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { syntaxHighlighting, bracketMatching, indentOnInput } from "@codemirror/language";
import { classHighlighter } from "@lezer/highlight";
import { search, searchKeymap } from "@codemirror/search";
import { lintGutter, setDiagnostics } from "@codemirror/lint";
import { yaml } from "@codemirror/lang-yaml";
import { json } from "@codemirror/lang-json";

const setMarks = StateEffect.define();

// The values that belong to what is under the pointer or the cursor in the other editor.
const marks = StateField.define({
  create: () => Decoration.none,
  update(all, transaction) {
    all = transaction.docChanged ? Decoration.none : all;
    for (const effect of transaction.effects) {
      if (effect.is(setMarks)) {
        all = Decoration.set(effect.value.map(([from, to]) => Decoration.mark({ class: "cm-origin" }).range(from, to)), true);
      }
    }
    return all;
  },
  provide: (field) => EditorView.decorations.from(field),
});

const languages = { yaml: yaml(), json: json() };

// A pane is an editor with what the page needs of it. at is called with the place that
// somebody points to, or is at.
function pane(parent, label, extensions, at) {
  const language = new Compartment();
  let current = "";
  const view = new EditorView({
    parent,
    state: EditorState.create({
      extensions: [
        EditorView.cspNonce.of("page"),
        EditorView.contentAttributes.of({ "aria-label": label, tabindex: "0" }),
        lineNumbers(), highlightSpecialChars(), drawSelection(), bracketMatching(),
        syntaxHighlighting(classHighlighter), search({ top: true }),
        language.of([]), marks, extensions,
        EditorView.domEventHandlers({
          mousemove: (event, v) => at(v.posAtCoords({ x: event.clientX, y: event.clientY })),
          mouseleave: () => at(null),
        }),
        EditorView.updateListener.of((update) => {
          if (update.selectionSet && update.view.hasFocus) at(update.state.selection.main.head);
        }),
      ],
    }),
  });
  return {
    view,
    text: () => view.state.doc.toString(),
    setLanguage(name) {
      if (name === current) return;
      current = name;
      view.dispatch({ effects: language.reconfigure(languages[name] ?? []) });
    },
    // replace changes only what differs, so that a long text stays where it is.
    replace(text) {
      const before = view.state.doc.toString();
      let from = 0, end = 0;
      const most = Math.min(before.length, text.length);
      while (from < most && before[from] === text[from]) from++;
      while (end < most - from && before[before.length - 1 - end] === text[text.length - 1 - end]) end++;
      if (from === before.length && from === text.length) return;
      view.dispatch({ changes: { from, to: before.length - end, insert: text.slice(from, text.length - end) } });
    },
    // mark shows spans, and brings the first of them into view.
    mark(spans) {
      const length = view.state.doc.length;
      spans = spans.filter(([from, to]) => from < to && to <= length);
      const effects = [setMarks.of(spans)];
      if (spans.length > 0) effects.push(EditorView.scrollIntoView(spans[0][0], { y: "nearest", yMargin: 40 }));
      view.dispatch({ effects });
    },
    goTo(from, to) {
      const length = view.state.doc.length;
      view.dispatch({ selection: { anchor: Math.min(from, length), head: Math.min(to, length) }, scrollIntoView: true });
      view.focus();
    },
  };
}

export function sourcePane(parent, changed, at) {
  const p = pane(parent, "Config", [
    history(), indentOnInput(), lintGutter(),
    keymap.of([...defaultKeymap, ...historyKeymap, ...searchKeymap]),
    EditorView.updateListener.of((update) => { if (update.docChanged) changed(); }),
  ], at);
  // More than these are in the list below, but not in the text.
  const most = 500;
  p.setProblems = (problems) => {
    const length = p.view.state.doc.length;
    const placed = problems.filter((q) => q.line > 0).slice(0, most);
    p.view.dispatch(setDiagnostics(p.view.state, placed.map((q) => ({
      from: Math.min(q.from, length), to: Math.min(q.to, length),
      severity: q.severity === "note" ? "info" : q.severity, message: q.message,
    }))));
  };
  return p;
}

export function outputPane(parent, at) {
  return pane(parent, "Translation", [
    EditorState.readOnly.of(true), placeholder("There is none: the config is empty or refused."),
    keymap.of([...defaultKeymap, ...searchKeymap]),
  ], at);
}
