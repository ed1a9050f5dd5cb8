// Cells that a person writes: an editor for the cell in hand and no other, a draft of it in the browser until the record
// has it, and both versions side by side when somebody else was quicker.
import { editor } from "/scripts/editor.js"

const byId = (id) => document.getElementById(id)
const NEW = "new:"

function button(text, className, act) {
  const made = document.createElement("button")
  made.type = "button"
  made.className = className
  made.textContent = text
  made.onclick = act
  return made
}

function element(tag, className, text = "") {
  const made = document.createElement(tag)
  made.className = className
  made.textContent = text
  return made
}

export class Cells {
  constructor(run, send, answered) {
    this.send = send
    this.answered = answered
    this.prefix = `gristmill-draft:${run}:`
    this.open = new Map() // the editors that are open, by the id of their cell, or by NEW and the cell before it
    this.tickets = 0
    this.take()
  }

  key(id, version) { return `${this.prefix}${id}:${version}` }

  version(id) { return Number(byId(id)?.dataset.version || 0) }

  // The source that the page shows; null where it has not been sent yet.
  source(id) { return byId(`${id}-source`)?.querySelector("pre")?.textContent.replace(/\n$/, "") ?? null }

  // What was being written when the page was closed, or the server went away.
  take() {
    for (const key of Object.keys(localStorage).filter((k) => k.startsWith(this.prefix))) {
      const [, id, version] = key.slice(this.prefix.length).match(/^(.*):(\d+)$/) ?? []
      if (!id) continue // what is being said, which is not ours
      const text = localStorage.getItem(key)
      if (id.startsWith(NEW)) this.add(id.slice(NEW.length), text, false)
      else if (!byId(id) || text === this.source(id)) localStorage.removeItem(key)
      else this.edit(id, { text, base: Number(version), focus: false })
    }
  }

  async edit(id, { text = null, base = this.version(id), focus = true } = {}) {
    if (this.open.has(id)) return this.open.get(id).text.focus()
    if (this.source(id) === null) { // long, and not sent with the page
      const ticket = this.ticket()
      this.send({ do: "source", cell: id, ticket })
      await this.answered(ticket)
    }
    const place = byId(`${id}-source`)
    for (const folded of place.querySelectorAll("details")) folded.open = true
    this.begin(id, place, { text: text ?? this.source(id), base, focus, label: `Code of ${id}` })
    byId(id).classList.add("edited")
  }

  add(after, text = "", focus = true) {
    const id = NEW + after
    if (this.open.has(id)) return this.open.get(id).text.focus()
    const cell = element("article", "cell edited new")
    cell.dataset.local = ""
    cell.append(element("header", ""))
    cell.firstChild.append(element("h3", "", "A new cell"))
    const before = byId(after)
    if (before) before.after(cell)
    else byId("cells").prepend(cell)
    const place = element("div", "source")
    cell.append(place)
    this.begin(id, place, { text, base: 0, focus, label: "Code of a new cell" })
  }

  begin(id, place, { text, base, focus, label }) {
    const run = () => this.hand(id, true)
    const box = element("div", "editor")
    box.dataset.local = ""
    const one = { base, box, sent: null, text: null }
    const { pad, text: area } = editor(text, label, {
      run,
      leave: () => box.querySelector(".editor-bar button").focus(),
      changed: (now) => localStorage.setItem(this.key(id, one.base), now),
    })
    one.text = area
    const help = element("span", "quiet", "Ctrl+Enter runs, Tab indents, Esc leaves the code.")
    help.id = `help-${id}`
    area.setAttribute("aria-describedby", help.id)
    const bar = element("div", "editor-bar")
    bar.append(button("Run", "primary", run), button("Save, not run", "", () => this.hand(id, false)),
      button("Discard", "plain", () => this.close(id)), help)
    const trouble = element("div", "trouble")
    trouble.setAttribute("role", "alert")
    box.append(pad, bar, trouble)
    place.after(box)
    this.open.set(id, one)
    if (focus) {
      area.focus()
      area.setSelectionRange(0, 0)
    }
    this.look(id)
  }

  ticket() { return `edit-${Date.now()}-${this.tickets += 1}` }

  // Hands the text over. It stays in the editor and in the browser until the record has it.
  async hand(id, run) {
    const one = this.open.get(id)
    if (!one || one.sent !== null) return
    const ticket = this.ticket()
    const source = one.text.value
    const isNew = id.startsWith(NEW)
    one.sent = source
    this.say(one, "")
    one.box.classList.add("sent")
    this.send({ do: "edit", source, run, ticket, ...(isNew ? { after: id.slice(NEW.length) } : { cell: id, based_on: one.base }) })
    const answer = await this.answered(ticket)
    if (this.open.get(id) !== one) return
    one.sent = null
    one.box.classList.remove("sent")
    if (!answer.text) this.close(id)
    else if (answer.version) this.conflict(id, Number(answer.version), answer.source)
    else this.say(one, answer.text)
  }

  close(id) {
    const one = this.open.get(id)
    if (!one) return
    this.open.delete(id)
    localStorage.removeItem(this.key(id, one.base))
    const cell = one.box.closest(".cell")
    const held = one.box.contains(document.activeElement)
    one.box.remove()
    cell.classList.remove("edited")
    if (id.startsWith(NEW)) cell.remove()
    else if (held) cell.querySelector("[data-edit]")?.focus({ preventScroll: true })
  }

  // Told after each change of the page: what is in the record now needs no editor, and what is newer there is shown.
  refresh() {
    for (const id of [...this.open.keys()]) this.look(id)
  }

  look(id) {
    const one = this.open.get(id)
    if (!id.startsWith(NEW)) {
      const now = this.version(id)
      if (!byId(id)) this.orphan(id, one)
      else if (now !== one.base && (one.sent ?? one.text.value) === this.source(id)) this.close(id)
      else if (now > one.base && one.conflict !== now) this.conflict(id, now, this.source(id))
    }
  }

  // The cell is gone: its text becomes a new cell's, so that it is not lost.
  orphan(id, one) {
    const text = one.text.value
    localStorage.removeItem(this.key(id, one.base))
    this.open.delete(id)
    this.add(byId("cells").querySelector(".cell:last-of-type")?.id ?? "", text, false)
  }

  say(one, text) { one.box.querySelector(".trouble").textContent = text }

  conflict(id, version, source) {
    const one = this.open.get(id)
    one.conflict = version
    const theirs = element("pre", "", source ?? "")
    const mine = button("Keep mine", "", () => {
      localStorage.removeItem(this.key(id, one.base))
      one.base = version
      localStorage.setItem(this.key(id, one.base), one.text.value)
      this.say(one, "")
      one.text.focus()
    })
    one.box.querySelector(".trouble").replaceChildren(
      element("p", "", `Somebody else edited this cell meanwhile. Yours stands above; this is theirs, version ${version}:`),
      theirs, mine, button("Take theirs", "", () => this.close(id)))
  }
}
