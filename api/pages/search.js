// placeholder
"use strict";
