/** Charts of bars, drawn on a canvas; loaded by the screen that has one, when it has figures. */

import { BarChart } from 'echarts/charts'
import { AriaComponent, GridComponent, TooltipComponent } from 'echarts/components'
import { init, use, type EChartsType } from 'echarts/core'
import { CanvasRenderer } from 'echarts/renderers'

use([AriaComponent, BarChart, CanvasRenderer, GridComponent, TooltipComponent])

export interface Bar {
  name: string
  /** How long it is, without a unit: an amount as a share of the longest, or a rate. */
  length: number
  /** What it says, e.g. the amount with separators. */
  said: string
}

/** Draws horizontal bars into an element; the caller disposes of what it is given. */
export function drawBars(into: HTMLElement, bars: Bar[], longest: number): EChartsType {
  const style = getComputedStyle(document.documentElement)
  const colour = (name: string) => style.getPropertyValue(name).trim()
  const chart = init(into, null, { renderer: 'canvas' })
  chart.setOption({
    animation: false,
    grid: { left: 8, right: 120, top: 4, bottom: 4, containLabel: true },
    xAxis: { type: 'value', max: longest, show: false },
    yAxis: {
      type: 'category',
      inverse: true,
      data: bars.map((bar) => bar.name),
      axisLine: { show: false },
      axisTick: { show: false },
      axisLabel: { color: colour('--ink'), fontSize: 13 },
    },
    series: [
      {
        type: 'bar',
        data: bars.map((bar) => bar.length),
        barMaxWidth: 16,
        showBackground: true,
        backgroundStyle: { color: colour('--track'), borderRadius: 3 },
        itemStyle: { color: colour('--accent'), borderRadius: 3 },
        label: {
          show: true,
          position: 'right',
          color: colour('--ink'),
          formatter: ({ dataIndex }: { dataIndex: number }) => bars[dataIndex]!.said,
        },
      },
    ],
  })
  return chart
}
