// What a machine can say about the code: JavaScript, Vue templates, accessibility, texts.
import js from '@eslint/js';
import vueI18n from '@intlify/eslint-plugin-vue-i18n';
import vue from 'eslint-plugin-vue';
import a11y from 'eslint-plugin-vuejs-accessibility';
import globals from 'globals';

const localeDir = [
  { pattern: './src/i18n/*/*.json', localeKey: 'path', localePattern: /^.*\/i18n\/(?<locale>[a-z]{2})\/.*\.json$/ },
];

export default [
  { ignores: ['dist/', 'src/api/schema.d.ts', 'playwright-report/', 'test-results/'] },
  js.configs.recommended,
  ...vue.configs['flat/recommended'],
  ...a11y.configs['flat/recommended'],
  ...vueI18n.configs.recommended,
  {
    languageOptions: { ecmaVersion: 'latest', sourceType: 'module', globals: globals.browser },
    settings: { 'vue-i18n': { localeDir, messageSyntaxVersion: '^11.0.0' } },
    rules: {
      // Prettier lays the text out.
      'vue/html-self-closing': 'off',
      'vue/max-attributes-per-line': 'off',
      'vue/singleline-html-element-content-newline': 'off',
      'vue/multiline-html-element-content-newline': 'off',
      'vue/html-indent': 'off',
      'vue/html-closing-bracket-newline': 'off',
      'vue/first-attribute-linebreak': 'off',
      'vue/require-default-prop': 'off',
      'vue/v-on-event-hyphenation': 'off', // vue-tsc knows the types of camel-case events only
      'vue/no-v-html': 'error',
      'vuejs-accessibility/label-has-for': ['error', { required: { some: ['id', 'nesting'] } }],
      '@intlify/vue-i18n/no-missing-keys': 'error',
      '@intlify/vue-i18n/no-missing-keys-in-other-locales': 'error',
      '@intlify/vue-i18n/no-raw-text': ['error', { ignorePattern: '^[—–…:.,/|()·%+\\s\\d]+$' }],
      'no-console': 'error',
      eqeqeq: 'error',
    },
  },
  { files: ['*.config.js', 'tests/**'], languageOptions: { globals: globals.node } },
  {
    files: ['tests/e2e/**'],
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          selector:
            "CallExpression[callee.property.name='click']:has(CallExpression[callee.property.name='getByRole'] > Literal[value='link'])",
          message: 'The page of a link is not there yet after the click: follow(link) of settled.js waits for it.',
        },
        {
          selector: "ImportDeclaration[source.value='@playwright/test'] ImportSpecifier[imported.name='test']",
          message: 'Import test from ./test.js: it can make scripts and answers come late.',
        },
      ],
    },
  },
  { files: ['tests/e2e/test.js'], rules: { 'no-restricted-syntax': 'off' } },
];
