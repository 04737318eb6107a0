import eslint from "@eslint/js";
import tseslint from "typescript-eslint";

export default tseslint.config(
  { files: ["src/**/*.ts"], extends: [eslint.configs.recommended, tseslint.configs.strict] },
  {
    files: ["test/**/*.mjs"],
    extends: [eslint.configs.recommended],
    languageOptions: { globals: { process: "readonly", setTimeout: "readonly", URL: "readonly" } },
  },
);
