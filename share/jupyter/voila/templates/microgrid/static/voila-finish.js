// Every cell is in the page.
window.voila_finish();
