/** bottleneck in one file, without its clustering over Redis; the package describes the whole only. */
declare module 'bottleneck/light.js' {
  export { default } from 'bottleneck';
}
