// The SQL page with script: an editor in the place of the text field, completion from the permit's schema, a way to cancel while
// the answer is awaited, a chart of the answer. Without script the page does the same work, but for the chart.

import {
  Compartment, Decoration, EditorState, EditorView, HighlightStyle, Prec, SQLDialect, autocompletion, bracketMatching,
  closeBrackets, closeBracketsKeymap, completionKeymap, defaultKeymap, drawSelection, highlightActiveLine, highlightSpecialChars,
  history, historyKeymap, indentWithTab, keymap, lineNumbers, placeholder, sql, StateField, syntaxHighlighting, tags,
} from "/static/vendor/codemirror.js"

const bench = document.getElementById("bench")
const field = document.getElementById("sql")
const outcome = document.getElementById("outcome")
const runButton = bench.querySelector(".bench-acts > button")

/* What may be written: docs/sql.md. Fewer words than a database knows, so that completion offers what is answered. */
const dialect = SQLDialect.define({
  keywords: "select from where group by having order limit offset with as join inner left right cross on using union all distinct "
    + "case when then else end and or not in between like ilike is null exists over partition rows preceding following current row "
    + "filter within asc desc nulls first last cast extract interval values create table view drop show tables describe explain "
    + "grouping sets rollup cube true false",
  types: "bigint boolean date decimal double integer int text timestamp varchar",
  builtin: "abs age_at avg btrim ceil character_length coalesce concat contains corr count date_part date_trunc ends_with "
    + "fiscal_year floor greatest icd10_in least ln lower ltrim max median min nullif nvl percentile_cont power regexp_count "
    + "regexp_like right round row_number rtrim signum split_part sqrt starts_with stddev strpos substr sum to_unixtime trunc upper",
  operatorChars: "*+-%<>!=|/",
  doubleQuotedStrings: false,
})

const colours = HighlightStyle.define([
  { tag: tags.keyword, color: "#0017c1", fontWeight: "700" },
  { tag: [tags.string, tags.special(tags.string)], color: "#197a4b" },
  { tag: [tags.number, tags.bool, tags.null], color: "#8b3a00" },
  { tag: [tags.lineComment, tags.blockComment], color: "#666666", fontStyle: "italic" },
  { tag: [tags.standard(tags.name), tags.typeName], color: "#5109ad" },
])

const look = EditorView.theme({
  "&": { backgroundColor: "#fff", border: "1px solid #666", borderRadius: ".5rem", fontSize: ".9375rem", marginTop: ".25rem", overflow: "hidden" },
  "&.cm-focused": { outline: "4px solid #1a1a1a", outlineOffset: "2px", boxShadow: "0 0 0 2px #ffd43d" },
  ".cm-scroller": { fontFamily: "ui-monospace, 'Noto Sans Mono', 'Noto Sans Mono CJK JP', monospace", lineHeight: "1.6", maxHeight: "24rem" },
  ".cm-content": { minHeight: "8.5rem", padding: ".5rem 0" },
  ".cm-gutters": { backgroundColor: "#f2f2f2", color: "#666", border: "0" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "#e8f1fe66" },
  ".cm-placeholder": { color: "#666" },
  ".cm-refused-line": { backgroundColor: "#fdeeee" },
  ".cm-refused": { textDecoration: "underline wavy #ce0000", textUnderlineOffset: ".25em" },
  ".cm-tooltip.cm-tooltip-autocomplete": { border: "1px solid #666", borderRadius: ".25rem", backgroundColor: "#fff" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li": { padding: ".125rem .5rem" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]": { backgroundColor: "#0017c1", color: "#fff" },
  ".cm-completionDetail": { fontStyle: "normal", color: "#4d4d4d", marginLeft: "1rem" },
  "li[aria-selected] .cm-completionDetail": { color: "#fff" },
})

/* The place that a refusal means, until something is written. */
function refusedPlace(document_) {
  const number = Number(outcome?.dataset.line ?? 0)
  if (!number || number > document_.lines) return null
  const line = document_.line(number)
  const letters = [...line.text].slice(0, Number(outcome.dataset.column ?? 1) - 1).join("").length
  const from = Math.min(line.from + letters, line.to)
  const word = /^[\p{L}\p{N}_.]+|^./u.exec(document_.sliceString(from, line.to))?.[0] ?? ""
  return { line, from, to: from + word.length }
}

const refused = StateField.define({
  create(state) {
    const place = refusedPlace(state.doc)
    if (!place) return Decoration.none
    const marks = [Decoration.line({ class: "cm-refused-line" }).range(place.line.from)]
    if (place.to > place.from) marks.push(Decoration.mark({ class: "cm-refused" }).range(place.from, place.to))
    return Decoration.set(marks)
  },
  update: (marks, change) => (change.docChanged ? Decoration.none : marks),
  provide: (it) => EditorView.decorations.from(it),
})

/* Columns of the tables that the text names, or of all tables while it names none. */
function columnsOf(tables) {
  return (context) => {
    const word = context.matchBefore(/[\p{L}\p{N}_]+/u)
    if ((!word && !context.explicit) || (word && context.state.sliceDoc(word.from - 1, word.from) === ".")) return null
    const text = context.state.doc.toString().toLowerCase()
    const named = tables.filter((table) => new RegExp(`(^|[^\\w.])${table.name.replace(".", "\\.")}($|[^\\w.])`).test(text))
    const seen = new Map()
    for (const table of named.length ? named : tables) {
      for (const column of table.columns) if (!seen.has(column.name)) seen.set(column.name, completion(column))
    }
    return { from: word?.from ?? context.pos, options: [...seen.values()], validFor: /^[\p{L}\p{N}_]*$/u }
  }
}

function completion(column) {
  return { label: column.name, detail: [column.label, column.type].filter(Boolean).join(" · "), type: "property", boost: 1 }
}

/* `ndb.claims` is the table `claims` in `ndb`, as the language's own completion wants it. */
function nested(tables) {
  const schema = {}
  for (const table of tables) {
    const [area, name] = table.name.split(".")
    const columns = table.columns.map(completion)
    if (name === undefined) schema[area] = columns
    else (schema[area] ??= {})[name] = columns
  }
  return schema
}

function language(tables) {
  const support = sql({ dialect, schema: nested(tables), upperCaseKeywords: true })
  return [support, support.language.data.of({ autocomplete: columnsOf(tables) })]
}

function edit() {
  const schema = new Compartment()
  const run = () => {
    bench.requestSubmit(runButton)
    return true
  }
  // Escape lets the next Tab out, whatever else it closes, and without a hurry (WCAG 2.2, 2.1.2 and 2.2.1).
  const letOut = (view) => {
    view.setTabFocusMode(true)
    return false
  }
  const label = bench.querySelector("label[for=sql]")
  const wasIn = document.activeElement === field
  const view = new EditorView({
    doc: field.value,
    selection: wasIn ? { anchor: field.selectionStart, head: field.selectionEnd } : undefined,
    extensions: [
      EditorView.cspNonce.of(bench.dataset.nonce),
      Prec.highest(keymap.of([{ key: "Mod-Enter", run }, { key: "Escape", run: letOut }])),
      lineNumbers(), highlightSpecialChars(), history(), drawSelection(), highlightActiveLine(), bracketMatching(), closeBrackets(),
      autocompletion({ icons: false }),
      keymap.of([...closeBracketsKeymap, ...completionKeymap, ...historyKeymap, ...defaultKeymap, indentWithTab]),
      EditorState.tabSize.of(2),
      EditorView.lineWrapping,
      placeholder(field.placeholder),
      EditorView.contentAttributes.of({ "aria-label": label.textContent, "aria-describedby": "sql-hint" }),
      EditorView.updateListener.of((update) => {
        if (update.docChanged) field.value = update.state.doc.toString()
        if (update.docChanged || update.focusChanged) update.view.setTabFocusMode(false)
      }),
      schema.of(language([])), syntaxHighlighting(colours), refused, look,
    ],
  })
  field.after(view.dom)
  // The text field stays in the form, behind the editor: it is what is sent.
  field.classList.add("behind")
  field.tabIndex = -1
  field.required = false
  field.setAttribute("aria-hidden", "true")
  field.addEventListener("input", () => {
    if (field.value !== view.state.doc.toString()) {
      view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: field.value } })
    }
  })
  label.addEventListener("click", (event) => {
    event.preventDefault()
    view.focus()
  })
  document.getElementById("go-there")?.addEventListener("click", (event) => {
    event.preventDefault()
    const place = refusedPlace(view.state.doc)
    if (place) view.dispatch({ selection: { anchor: place.from }, scrollIntoView: true })
    view.focus()
    view.dom.scrollIntoView({ block: "center" })
  })
  // Who was in the text field before the script came goes on writing where they were.
  if (wasIn) view.focus()
  bench.querySelector(".keys").hidden = false
  complete(view, schema)
  return view
}

async function complete(view, schema) {
  try {
    const answer = await fetch(bench.dataset.schema)
    if (!answer.ok) throw new Error(String(answer.status))
    const { tables } = await answer.json()
    view.dispatch({ effects: schema.reconfigure(language(tables)) })
  } catch {
    document.getElementById("clock").textContent = bench.dataset.failed
  }
}

/* While the answer is awaited: how long it has been, and a way to stop. */
function await_(view) {
  const stop = document.getElementById("stop")
  const clock = document.getElementById("clock")
  let ticking = 0

  const rest = () => {
    clearInterval(ticking)
    ticking = 0
    stop.hidden = true
    stop.disabled = false
    clock.textContent = ""
    bench.removeAttribute("aria-busy")
  }
  bench.addEventListener("submit", (event) => {
    const saves = event.submitter?.hasAttribute("formaction")
    if (!saves && !field.value.trim()) {
      event.preventDefault()
      view.focus()
    } else if (!saves && ticking) {
      event.preventDefault()
    } else if (!saves) {
      const began = performance.now()
      const say = () => {
        const seconds = Math.floor((performance.now() - began) / 1000)
        clock.textContent = `${bench.dataset.running} ${bench.dataset.seconds.replace("{seconds}", seconds)}`
      }
      bench.setAttribute("aria-busy", "true")
      stop.hidden = false
      clock.textContent = bench.dataset.running
      ticking = setInterval(say, 1000)
    }
  })
  stop.addEventListener("click", async () => {
    stop.disabled = true
    clearInterval(ticking)
    clock.textContent = bench.dataset.stopping
    const body = new URLSearchParams({ csrf: bench.elements.csrf.value })
    const answer = await fetch(bench.dataset.cancel, { method: "POST", body, redirect: "manual" }).catch(() => null)
    // Not yet begun, or the way is broken: it can be tried again.
    if (answer?.type !== "opaqueredirect") stop.disabled = false
  })
  // A page that the browser kept is shown again when one goes back.
  addEventListener("pageshow", (event) => {
    if (event.persisted) rest()
  })
  const title = bench.elements.title
  title.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.isComposing) {
      event.preventDefault()
      bench.requestSubmit(bench.querySelector(".keep button"))
    }
  })
}

await_(edit())

const cells = document.getElementById("cells")
if (cells) {
  const { chart } = await import("/static/chart.js")
  chart(document.getElementById("chart"), cells)
}
