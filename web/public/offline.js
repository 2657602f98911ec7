// The address stays the one that was asked for: as soon as there is a network, it is opened.
addEventListener("online", function () {
  location.reload();
});
document.getElementById("again").addEventListener("click", function () {
  location.reload();
});
