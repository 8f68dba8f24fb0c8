// Before anything is drawn: the theme that was chosen last, so that no page flashes in the other.
try {
  const theme = localStorage.getItem('parley.theme')
  if (theme) document.documentElement.dataset.theme = theme
} catch {
  // Without storage the system's theme counts.
}
