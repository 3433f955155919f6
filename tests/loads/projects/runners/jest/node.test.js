/** @jest-environment node */
require("./cases.js");
