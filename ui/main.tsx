/** The dashboard of TaskMem. It reads nothing but the HTTP API. */
import { render } from "preact";
import { App } from "./app.tsx";

render(<App />, document.getElementById("app")!);
