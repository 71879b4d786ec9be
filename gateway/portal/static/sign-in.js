// Browsers keep the session's cookies only where nobody can listen: who cannot sign in here should know why.
"use strict";

document.getElementById("insecure").hidden = window.isSecureContext;
