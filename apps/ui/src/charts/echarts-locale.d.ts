/** ECharts has no types for its texts in other languages. */
declare module 'echarts/i18n/langDE-obj.js' {
  const words: Parameters<typeof import('echarts/core').registerLocale>[1]
  export default words
}
