// The page of a run: its conversation beside its notebook. What is written here and not yet sent stays in the browser.
import { Cells } from "/scripts/cells.js"

const byId = (id) => document.getElementById(id)

// The tabs beside the notebook, with the arrow keys that tabs have.
function tabs(dock) {
  const all = [...dock.querySelectorAll("[role=tab]")]
  const choose = (tab, focus = true) => {
    for (const one of all) {
      const chosen = one === tab
      one.setAttribute("aria-selected", String(chosen))
      one.tabIndex = chosen ? 0 : -1
      byId(one.getAttribute("aria-controls")).hidden = !chosen
    }
    if (focus) tab.focus()
  }
  dock.addEventListener("click", (event) => {
    const tab = event.target.closest("[role=tab]")
    if (tab) { choose(tab); fold(dock, true) }
  })
  dock.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key]
    const at = all.indexOf(event.target)
    if (step && at >= 0) choose(all[(at + step + all.length) % all.length])
  })
  return () => choose(all[0], false)
}

// On a narrow page the conversation lies over the lower edge, folded until it is wanted.
function fold(dock, open) {
  dock.classList.toggle("unfolded", open)
  dock.querySelector("[data-fold]").setAttribute("aria-expanded", String(open))
  const scroller = byId("scroller")
  if (open) scroller.scrollTop = scroller.scrollHeight // it had no height before
}

// Who stands at the newest of what was said is kept there, whatever grows or is shown; who scrolled up is left in peace.
function newest(scroller) {
  let stays = true
  let last = 0
  const toEnd = () => { if (stays) scroller.scrollTop = scroller.scrollHeight }
  scroller.addEventListener("scroll", () => {
    if (!scroller.clientHeight) return // it is hidden
    const end = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 40
    stays = end || (stays && scroller.scrollTop >= last)
    last = scroller.scrollTop
  }, { passive: true })
  const grows = new ResizeObserver(toEnd)
  for (const element of [scroller, ...scroller.children]) grows.observe(element)
  toEnd()
}

function composer(form, send, answered) {
  const text = byId("say-text")
  const key = `gristmill-draft:${form.dataset.run}:say`
  text.value ||= localStorage.getItem(key) ?? ""
  const sent = new Map() // what is on its way, by ticket: the next thing need not wait for it
  let tickets = 0
  const underWay = () => [...sent.values()].includes(text.value.trim())
  const shown = () => form.classList.toggle("sent", underWay())
  text.addEventListener("input", () => {
    if (text.value) localStorage.setItem(key, text.value)
    else localStorage.removeItem(key)
    shown()
  })
  text.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return
    event.preventDefault()
    form.requestSubmit()
  })
  form.addEventListener("submit", async (event) => {
    event.preventDefault()
    const said = text.value.trim()
    if (!said || underWay()) return
    const ticket = `say-${tickets += 1}`
    sent.set(ticket, said)
    shown()
    const scroller = byId("scroller")
    scroller.scrollTop = scroller.scrollHeight
    send({ do: "say", text: said, queue: Boolean(byId("say-queue")?.checked), ticket })
    const problem = (await answered(ticket)).text
    sent.delete(ticket)
    byId("say-trouble").textContent = problem ?? ""
    if (!problem && text.value.trim() === said) {
      text.value = ""
      localStorage.removeItem(key)
    }
    shown()
  })
}

// An offered question is asked by a click; what stands in the composer stays there.
function offers(form) {
  const text = byId("say-text")
  document.addEventListener("click", (event) => {
    const offer = event.target.closest("[data-offer]")
    if (!offer) return
    const draft = text.value
    text.value = offer.textContent
    form.requestSubmit()
    text.value = draft
  })
}

// A question or a step that waits: what is written in its card goes along with the button that was pressed.
function cards(send) {
  document.addEventListener("submit", (event) => {
    const form = event.target.closest("[data-form]")
    if (!form) return
    event.preventDefault()
    const told = Object.fromEntries(new FormData(form, event.submitter))
    send({ ...told, do: form.dataset.form, id: form.dataset.id })
  })
}

// The menu of a cell: one for all of them, above everything, closed by Escape or a click elsewhere.
function menu(cells) {
  const box = byId("cell-menu")
  let from = 0 // where the page stood when it was opened
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-menu]")
    const adder = event.target.closest("[data-add]")
    const editing = event.target.closest("[data-edit]")
    if (editing) cells.edit(editing.dataset.edit)
    if (adder) {
      box.hidePopover()
      const cell = byId(adder.dataset.cell)
      const before = cell?.previousElementSibling
      cells.add(adder.dataset.add === "below" ? adder.dataset.cell : before?.id ?? "")
    }
    if (!opener) return
    for (const one of box.querySelectorAll("button")) one.dataset.cell = opener.dataset.menu
    from = scrollY
    box.showPopover()
    const at = opener.getBoundingClientRect()
    box.style.top = `${Math.min(at.bottom + 4, innerHeight - box.offsetHeight - 8)}px`
    box.style.left = `${Math.max(8, at.right - box.offsetWidth)}px`
    box.querySelector("button").focus()
  })
  addEventListener("scroll", () => Math.abs(scrollY - from) > 40 && box.hidePopover(), { passive: true })
}

// What a screen reader hears of the run: the newest line, at most one in three seconds.
function announcer() {
  const from = byId("heard")
  const said = byId("said")
  let timer
  return () => {
    if (said.textContent === from.textContent || timer) return
    timer = setTimeout(() => { timer = undefined; said.textContent = from.textContent }, 3000)
  }
}

export function runPage(send, answered) {
  const dock = byId("dock")
  const conversation = tabs(dock)
  const form = byId("say")
  const cells = new Cells(dock.dataset.run, send, answered)
  if (form) {
    composer(form, send, answered)
    offers(form)
  }
  cards(send)
  menu(cells)
  const announce = announcer()
  newest(byId("scroller"))
  dock.querySelector("[data-fold]").addEventListener("click", () => fold(dock, !dock.classList.contains("unfolded")))
  document.addEventListener("click", (event) => {
    const answer = event.target.closest("[data-answer]")
    if (!answer) return
    event.preventDefault()
    conversation()
    fold(dock, true)
    const card = document.querySelector(".ask-card.open")
    card?.scrollIntoView({ block: "nearest" })
    card?.querySelector("input, textarea, button")?.focus({ preventScroll: true })
  })
  document.addEventListener("toggle", (event) => {
    if (event.target.open && event.target.dataset?.fetch) send({ do: "source", cell: event.target.dataset.fetch })
  }, true)
  return () => {
    cells.refresh()
    announce()
  }
}
