// Fills in the browser's own time zone; the field can be typed into without this.
const zone = document.getElementById("f-zone");
if (zone && !zone.value) zone.value = Intl.DateTimeFormat().resolvedOptions().timeZone || "";
