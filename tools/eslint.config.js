// How `make lint-js` reads the modules in chapter4_helpers/interactive/js.
const globals = ['atob', 'Blob', 'clearInterval', 'DecompressionStream', 'document', 'ImageData', 'performance',
  'requestAnimationFrame', 'ResizeObserver', 'Response', 'setInterval',
  'addEventListener', 'customElements', 'HTMLElement', 'localStorage']

function banned(names, message) {
  return ['error', ...names.map(name => ({name, message}))]
}

const fetching = ['fetch', 'XMLHttpRequest', 'WebSocket']

module.exports = [{
  files: ['**/*.js'],
  languageOptions: {ecmaVersion: 2022, sourceType: 'module', globals: Object.fromEntries(globals.map(name => [name, 'readonly']))},
  linterOptions: {reportUnusedDisableDirectives: 'error'},
  rules: {
    'consistent-return': 'off', eqeqeq: 'error', 'max-depth': ['error', 4], 'max-len': ['error', 120], 'max-lines': ['error', 200],
    'no-alert': 'error', 'no-const-assign': 'error', 'no-dupe-args': 'error', 'no-dupe-keys': 'error', 'no-eval': 'error',
    'no-implied-eval': 'error', 'no-redeclare': 'error', 'no-self-compare': 'error', 'no-shadow': 'error', 'no-undef': 'error',
    'no-unreachable': 'error', 'no-unused-vars': 'error', 'no-use-before-define': ['error', {functions: false, variables: false}],
    'no-var': 'error', 'prefer-const': 'error', 'no-restricted-properties': ['error',
      ...['innerHTML', 'outerHTML', 'insertAdjacentHTML'].map(property => ({property, message: 'Text goes into the page as text.'}))],
    'no-restricted-globals': banned([...fetching, 'localStorage'], 'The page fetches and keeps nothing.'),
  },
}, {
  files: ['**/quiz.js'],  // it alone keeps something: the answers
  rules: {'no-restricted-globals': banned(fetching, 'The page fetches nothing.')},
}]
